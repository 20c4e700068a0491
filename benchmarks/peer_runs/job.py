"""What every run of `peers.py` is told, and how it says when its steps ended."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """A training, the same for every library.

    Attributes:
        images: a folder of images, id/video/clip/*.jpg.
        stored: height and width of its images in pixels.
        size: height and width of a view.
        network: its name in timm.
        pairs: pairs of views in a step.
        steps: how many.
        workers: processes that load, where a library does not choose them itself.
        out: an empty folder for whatever the library writes.
        times: a file for the ends of the steps, in seconds of the epoch, one a line.
    """

    images: str
    stored: int
    size: int
    network: str
    pairs: int
    steps: int
    workers: int
    out: str
    times: str


TEMPERATURE, HIDDEN, OUTPUT = 0.1, 2048, 128
RATE, DECAY = 1e-3, 1e-4
CROP, JITTER, HUE = 0.25, 0.4, 0.1
"""The smallest share of an image's area, the strength of brightness, contrast and saturation, and that of hue."""
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def read_job() -> Job:
    """The job in the file that the command line names."""
    return Job(**json.loads(Path(sys.argv[1]).read_text()))


def job() -> Job:
    """The same; from now on the end of each step is noted."""
    given = read_job()
    _note_steps(Path(given.times))
    return given


def _note_steps(path: Path) -> None:
    """Every library here steps an optimiser of torch, so its own hook sees the steps of all of them."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    file = path.open("w", buffering=1)

    def note(*_: Any) -> None:
        file.write(f"{time.time()}\n")

    register_optimizer_step_post_hook(note)
