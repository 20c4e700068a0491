"""What a reader of the tutorial has: videos of drawn people, labelled images, and a detector in place of dlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from helpers.videos import write_video
from ssltoolbox.api import EXPRESSIONS, Split
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

SIZE = 96
"""Height and width of a video in pixels."""
FPS = 25 / 6
DETECTOR = """\
import numpy as np

from ssltoolbox.api import Descriptor, hookimpl


class Middle:
    \"\"\"The landmarks of a drawn face in the middle of the picture.\"\"\"

    def __init__(self, options):
        pass

    def detect(self, image):
        return np.load(POINTS)


@hookimpl
def ssltoolbox_landmark_detectors():
    yield Descriptor(
        name="middle", summary="A face in the middle.", target=f"{__name__}:Middle", api=2
    )
"""


def write_videos(folder: Path, people: int, takes: int, frames: int) -> None:
    """Writes `videos/NAME/1.mov`, and `detector.py` with a detector that finds their faces."""
    options = SyntheticFacesOptions(
        identities=people, clips=people * takes, frames=frames, size=SIZE, fps=FPS, keep=0
    )
    drawn = SyntheticFaces(options, "train")
    points = []
    for clip in range(len(drawn)):
        person, take = clip % people, clip // people
        shown = drawn.read([clip] * frames, list(range(frames)))
        images = shown.images.permute(0, 2, 3, 1).numpy()
        write_video(folder / "videos" / f"person{person:02}" / f"{take + 1}.mov", list(images), FPS)
        points.append(shown.landmarks.numpy().mean(axis=0))
    np.save(folder / "points.npy", np.mean(points, axis=0).astype(np.float32))
    file = folder / "detector.py"
    file.write_text(DETECTOR.replace("POINTS", repr(str(folder / "points.npy"))), encoding="utf-8")


def write_labelled(folder: Path, people: int, images: int) -> None:
    """Writes `labelled/SPLIT/CLASS/NUMBER.png` of people who are in no video, `images` for each split."""
    splits: dict[str, tuple[int, Split]] = {"train": (1, "train"), "val": (2, "val"), "test": (2, "test")}
    for name, (world, split) in splits.items():
        options = SyntheticFacesOptions(
            world=world,
            identities=people,
            clips=people,
            eval_identities=people,
            eval_clips=people,
            size=48,
            keep=0,
        )
        drawn = SyntheticFaces(options, split)
        random = torch.Generator().manual_seed(world)
        frames = torch.randint(options.frames, (images,), generator=random).tolist()
        shown = drawn.read([number % people for number in range(images)], frames)
        for number, (image, label) in enumerate(zip(shown.images, shown.labels["expression"], strict=True)):
            if label >= 0:
                file = folder / "labelled" / name / EXPRESSIONS[int(label)] / f"{number:04}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image.permute(1, 2, 0).numpy()).save(file)
