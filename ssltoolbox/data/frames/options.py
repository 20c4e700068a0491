"""Options of the dataset `frames`, and its facts without torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pydantic import Field, model_validator

from ssltoolbox.api import DataFacts, DatasetOptions, Problem, Setting

PAPER_FPS = 25 / 6
"""The frame rate of VoxCeleb1's published face crops."""


class FramesOptions(DatasetOptions):
    """Face frames on disk: folders, `root/identity/video/clip/*.jpg|png` in natural order, or an index of them.

    Published face crops of VoxCeleb1, `A.J._Buckley/1.6/<video>/0000025.jpg`, have this shape. Where
    `landmarks68.npy`, [frames, 68, 2] in pixels of the frames, lies beside a clip's frames, it is used.
    """

    root: Path | None = Field(default=None, strict=False)
    """The folder that holds the folders of the identities; or else give an index."""

    index: Path | None = Field(default=None, strict=False)
    """An index, made by `ssltoolbox data index` or `data pack`; or else give a root."""

    fps: float | None = Field(default=None, ge=0.01, le=1000)
    """Frames per second of clips whose frames are numbered without gaps [25/6]; an index has its own."""

    size: int = Field(default=128, ge=8, le=1024)
    """Height and width that images are resized to, in pixels; landmarks are scaled with them."""

    val: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of identities held out for validation, chosen by a hash of their names."""

    test: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of identities held out for testing, chosen by a hash of their names."""

    @model_validator(mode="after")
    def _one_source(self) -> FramesOptions:
        if (self.root is None) == (self.index is None):
            raise ValueError(
                "give either root, a folder of frames, or index, what ssltoolbox data index made"
            )
        return self

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> FramesOptions:
        if self.val + self.test >= 1:
            raise ValueError("val and test together must be less than 1: the rest is what is trained on")
        return self

    @property
    def place(self) -> Path:
        """The root or the index, whichever is given."""
        return cast(Path, self.root or self.index)

    def facts(self) -> DataFacts:
        """Facts of the training split, from listing its folders or from its index; no image is opened.

        Raises:
            DataNotFound: where there is no such folder or index.
            UserError: where it can't be used; see `training_facts`.
        """
        # Listing plugins imports this module and needs neither numpy nor natsort.
        from ssltoolbox.data.frames.facts import training_facts

        return training_facts(self)

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data and setting.data.identities < 2:
            held_out = self.val + self.test > 0
            yield Problem(
                "",
                "it has one identity to train on, so that negatives show the same person",
                "hold out fewer identities, or add some" if held_out else "add identities",
                warning=True,
            )
