"""Options of the dataset `synthetic_faces`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ssltoolbox.api import EXPRESSIONS, DataFacts, DatasetOptions, OptionError, Split

LABELS = frozenset({"expression", "valence", "arousal"})
FRAME_BYTES_BESIDE_PIXELS = 68 * 2 * 4 + 8 + 2 * 4
"""Bytes of landmarks, expression, valence and arousal."""


MAX_FRAMES: dict[Split, int] = {"train": 4000, "val": 2000, "test": 2000}
"""The most frames for downstream tasks, so that a demo is quick; neighbouring frames add little."""
NOTE = "These faces are drawings. The numbers say nothing about real faces."


class SyntheticFacesOptions(DatasetOptions):
    """Drawn face clips. The splits `train`, `val` and `test` show different people."""

    world: int = Field(default=0, ge=0, lt=2**32)
    """The seed of the drawings. Another world has other people, clips and pixels."""

    identities: int = Field(default=80, ge=1)
    """People in the training split."""

    clips: int = Field(default=240, ge=1)
    """Training clips in all, spread evenly over the identities."""

    frames: int = Field(default=96, ge=1, le=100_000)
    """Frames of each clip, in every split."""

    size: int = Field(default=48, ge=24, le=512)
    """Height and width of the images, in pixels."""

    zoom: float = Field(default=1.0, ge=0.5, le=2.0)
    """How tightly the picture frames the face. With 1, a head takes up two thirds of the width. With 1.4, it
    takes up nine tenths, and hair and chin are cut off, as in crops by a face detector."""

    fps: float = Field(default=25 / 6, gt=0, le=240)
    """Frames per second. Expressions last 4 to 7 seconds; head and light change within two frames."""

    keep: float = Field(default=1.0, ge=0)
    """Memory in GiB that the training frames may use. If they fit, each frame is drawn once and kept in memory
    that the loader's workers share. Otherwise each frame is drawn whenever it is needed."""

    eval_identities: int = Field(default=32, ge=1)
    """Number of people in `val`. `test` has as many other people."""

    eval_clips: int = Field(default=64, ge=1)
    """Number of clips in `val`, and in `test`. They are spread evenly over the people."""

    @model_validator(mode="after")
    def _a_clip_for_everyone(self) -> Self:
        for clips, identities in (("clips", "identities"), ("eval_clips", "eval_identities")):
            have, need = getattr(self, clips), getattr(self, identities)
            if have < need:
                raise OptionError(
                    f"{clips} is {have}, fewer than the {need} {identities}: everyone needs a clip",
                    f"raise {clips} or lower {identities}",
                    options=(clips, identities),
                )
        return self

    @property
    def is_kept(self) -> bool:
        """True if the training frames, with landmarks and labels, fit into the allowed memory."""
        frame = 3 * self.size**2 + FRAME_BYTES_BESIDE_PIXELS
        return self.clips * self.frames * frame <= self.keep * 2**30

    def facts(self, split: Split = "train") -> DataFacts:
        clips = self.clips if split == "train" else self.eval_clips
        return DataFacts(
            clips=clips,
            identities=self.identities if split == "train" else self.eval_identities,
            frames=clips * self.frames,
            fps=self.fps,
            size=self.size,
            shortest=self.frames,
            longest=self.frames,
            landmarks=True,
            note=NOTE,
            terms="",
            landmark_detector="",
            labels=LABELS,
            classes={"expression": EXPRESSIONS},
            max_frames=MAX_FRAMES,
            loading=2e-4 if self.is_kept else 4e-4 * (self.size / 48) ** 2,
        )
