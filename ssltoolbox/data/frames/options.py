"""Options of the dataset `frames`, and its facts without torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import Field, model_validator

from ssltoolbox.api import DataFacts, OptionError, PathOrUrl, Problem, Setting, Split, Url, UserError
from ssltoolbox.data.listed import ListedOptions

if TYPE_CHECKING:
    from ssltoolbox.data.frames.folder import FrameFolder
    from ssltoolbox.data.index.reader import FrameIndex
    from ssltoolbox.support.remote import RemoteCache, RemoteFolder

PAPER_FPS = 25 / 6
"""The frame rate of VoxCeleb1's published face crops."""
_LOADING = {"file": 1e-3, "jpeg": 4e-4, "raw": 1e-4}
"""Seconds of a core for a frame, from files of 224 pixels or packed at 128."""


class FramesOptions(ListedOptions):
    """Face frames on disk: folders, `root/identity/video/clip/*.jpg` in natural order, or an index of them.

    Published face crops of VoxCeleb1, `A.J._Buckley/1.6/<video>/0000025.jpg`, have this shape. Where
    `landmarks68.npy`, [frames, 68, 2] in pixels of the frames, lies beside a clip's frames, it is used.
    """

    root: PathOrUrl | None = None
    """The folder that contains the folders of the identities. Give either this or `index`. It may be on remote
    storage, such as `s3://bucket/faces`. For more than a few thousand clips there, a packed index is faster."""

    index: PathOrUrl | None = Field(default=None, examples=["faces.index"])
    """An index made by `ssltoolbox data index` or `data pack`. Give either this or `root`. It may be on remote
    storage, such as `s3://bucket/faces.index`."""

    cache: Path | None = Field(default=None, strict=False)
    """A local folder that caches what was read from remote storage [the user's cache folder]."""

    cache_gib: float = Field(default=50.0, gt=0)
    """Largest size of the cached images from remote storage, in GiB. Images that were unused for the longest
    time are deleted first."""

    shuffle_tars: int | None = Field(default=None, ge=1)
    """For an index of tar files: an epoch takes the tar files in random order, and shuffles the clips of this many
    at a time, so that a small cache is enough [all clips at once]."""

    fps: float | None = Field(default=None, ge=0.01, le=1000)
    """Rate at which the frames of a clip were sampled, in frames per second [25/6]. A missing frame number is a
    gap in time. An index has its own rate."""

    size: int = Field(default=128, ge=8, le=1024)
    """Height and width that images are resized to, in pixels; landmarks are scaled with them."""

    val: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of identities held out for validation, chosen by a hash of their names."""

    test: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of identities held out for testing, chosen by a hash of their names."""

    follow_links: bool = False
    """Whether links that lead out of the root are followed; an index has its own."""

    @model_validator(mode="after")
    def _one_source(self) -> FramesOptions:
        if (self.root is None) == (self.index is None):
            message = "give either root, a folder of frames, or index, what ssltoolbox data index made"
            both = () if self.root is None else ("index", "root")
            raise OptionError(message, options=both, drop=both)
        return self

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> FramesOptions:
        if self.val + self.test >= 1:
            message = "val and test together must be less than 1: the rest is what is trained on"
            raise OptionError(message, options=("test", "val"))
        return self

    def list_folder(self, split: Split) -> FrameFolder:
        """The clips of a split below the root; see `read_folder`."""
        # Listing plugins imports this module and needs neither numpy nor natsort.
        from ssltoolbox.data.frames.folder import read_folder

        return self.once(
            split,
            lambda: read_folder(
                self._location(self.root),
                split,
                val=self.val,
                test=self.test,
                follow_links=self.follow_links,
            ),
        )

    def open_index(self) -> FrameIndex:
        """The index; see `open_index`."""
        # Folders are looked at without pyarrow, which takes a moment to import.
        from ssltoolbox.data.index.reader import open_index

        return self.once("index", lambda: open_index(self._location(self.index), self.fps, self._storage()))

    def _location(self, source: Path | Url | None) -> Path | RemoteFolder:
        """The folder of the root or of the index that is given."""
        return self._storage().folder(source) if isinstance(source, Url) else cast(Path, source)

    def _storage(self) -> RemoteCache:
        from ssltoolbox.support.remote import RemoteCache

        return RemoteCache(self.cache, int(self.cache_gib * 2**30))

    def _in_tars(self) -> bool:
        """Whether the frames of the index are in tar files; True where that can't be known now."""
        try:
            return self.open_index().header.tars is not None
        except UserError:
            return True

    def facts(self, split: Split = "train") -> DataFacts:
        """Facts of a split, from listing its folders or from its index; no image is opened.

        `landmarks` is True where any clip has them; NaN fills in for the others.

        Raises:
            DataNotFound: where there is no such folder or index.
            UserError: where it can't be used: see `frames.folder.read_folder` and `index.reader.open_index`.
        """
        return _index_facts(self, split) if self.index else _folder_facts(self, split)

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.shuffle_tars and not (self.index and self._in_tars()):
            yield Problem(
                "shuffle_tars",
                "it is for an index of tar files; all clips are shuffled at once here",
                "leave it out, or give an index of tar files",
            )
        if setting.data and setting.data.identities < 2:
            held_out = self.val + self.test > 0
            yield Problem(
                "",
                "it has one identity to train on, so that negatives show the same person",
                "hold out fewer identities, or add some" if held_out else "add identities",
                warning=True,
            )


def _folder_facts(options: FramesOptions, split: Split) -> DataFacts:
    folder = options.list_folder(split)
    return DataFacts(
        clips=len(folder),
        identities=len(set(folder.identities.tolist())),
        frames=int(folder.lengths.sum()),
        fps=options.fps or PAPER_FPS,
        size=options.size,
        shortest=int(folder.lengths.min()) if len(folder) else 0,
        longest=int(folder.lengths.max()) if len(folder) else 0,
        landmarks=bool(folder.with_landmarks.any()),
        left_out=folder.left_out,
    )


def _index_facts(options: FramesOptions, split: Split) -> DataFacts:
    from ssltoolbox.data.index.info import label_facts
    from ssltoolbox.data.index.reader import split_clips

    index = options.open_index()
    clips = split_clips(index, split, val=options.val, test=options.test)
    lengths = index.lengths[clips]
    return DataFacts(
        clips=len(clips),
        identities=len(set(index.identities[clips].tolist())),
        frames=int(lengths.sum()),
        fps=index.header.fps,
        size=options.size,
        shortest=int(lengths.min()) if len(clips) else 0,
        longest=int(lengths.max()) if len(clips) else 0,
        landmarks=bool(index.landmarks and index.landmarks.valid.any()),
        landmark_detector=_detector(index),
        labels=frozenset(index.labels),
        classes=index.classes,
        label_facts=label_facts(index, clips),
        loading=_LOADING[index.header.packed.encoding if index.header.packed else "file"],
    )


def _detector(index: FrameIndex) -> str | None:
    """The detector that found the landmarks; None if they come from files next to the frames."""
    from ssltoolbox.data.images.tree import LANDMARKS_FILE

    detector = index.landmarks.detector if index.landmarks else ""
    return detector if detector and detector != LANDMARKS_FILE else None
