"""The picture of saliency."""

import numpy as np
import torch
from helpers.contrast import hard_to_read
from matplotlib.figure import Figure

from ssltoolbox.engine.inspect.saliency.faces import FaceImages
from ssltoolbox.engine.inspect.saliency.page import SaliencyColumn, page


def drawn(names: tuple[str, ...] = ("anna.jpg", "ben.jpg")) -> Figure:
    count = len(names)
    faces = FaceImages(torch.zeros(count, 3, 8, 8, dtype=torch.uint8), np.full((count, 68, 2), np.nan), names)
    return page(faces, [SaliencyColumn("mine", np.ones((count, 4, 4)), None)])


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_faces_and_networks_have_names() -> None:
    assert {"anna.jpg", "ben.jpg", "mine"} <= set(texts(drawn()))


def test_a_long_name_keeps_its_beginning_and_end() -> None:
    (name,) = (text for text in texts(drawn(("train clip 678 (person 594, take 2)",))) if "…" in text)
    assert name.startswith("train")
    assert name.endswith("take 2)")


def test_texts_are_large_and_dark_enough() -> None:
    assert hard_to_read(drawn()) == []


def test_a_colour_bar_says_what_bright_means() -> None:
    assert any("none to the most" in text.replace("\n", " ") for text in texts(drawn()))
