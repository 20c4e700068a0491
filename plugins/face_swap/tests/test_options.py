"""The plugin's card, and what a recipe is told before it runs."""

import subprocess
import sys
from typing import Any

import pytest
import ssltoolbox_face_swap
from pydantic import ValidationError
from ssltoolbox_face_swap import FaceSwapOptions

from ssltoolbox.api import DataFacts, PositiveGenerator, Setting


def setting(identities: int = 3, draws: int = 8) -> Setting:
    facts = DataFacts(
        clips=9,
        identities=identities,
        frames=900,
        fps=4.0,
        size=48,
        shortest=100,
        longest=100,
        landmarks=True,
    )
    return Setting(data=facts, instances=draws, draws=draws, hard_negatives=0)


def test_the_descriptor_of_face_swap_names_its_class_and_needs() -> None:
    (card,) = ssltoolbox_face_swap.ssltoolbox_positive_generators()
    assert card.name == "face_swap"
    assert card.needs == {"landmarks"}
    assert card.options is FaceSwapOptions
    module, name = card.target.split(":")
    assert issubclass(getattr(__import__(module, fromlist=[name]), name), PositiveGenerator)


def test_the_card_is_free_of_torch() -> None:
    code = "import sys, ssltoolbox_face_swap; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


@pytest.mark.parametrize("wrong", [{"p": -0.1}, {"p": 1.1}, {"blur": 0.0}, {"feather": -1.0}, {"q": 1}])
def test_options_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FaceSwapOptions(**wrong)


def test_a_single_identity_is_refused() -> None:
    (problem,) = FaceSwapOptions().problems(setting(identities=1))
    assert "single identity" in problem.message
    assert "face_swap" in problem.hint
    assert not problem.warning


def test_a_single_draw_is_refused() -> None:
    (problem,) = FaceSwapOptions().problems(setting(draws=1))
    assert "single sample" in problem.message
    assert "trainer.batch_size" in problem.hint


def test_enough_of_both_is_fine() -> None:
    assert not list(FaceSwapOptions().problems(setting(identities=2, draws=2)))
