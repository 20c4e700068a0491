"""What is known of frames from a listing or an index alone."""

from __future__ import annotations

from ssltoolbox.api import DataFacts
from ssltoolbox.data.frames.folder import read_folder
from ssltoolbox.data.frames.options import PAPER_FPS, FramesOptions

_LOADING = {"file": 1e-3, "jpeg": 4e-4, "raw": 1e-4}
"""Seconds of a core for a frame, from files of 224 pixels or packed at 128."""


def training_facts(options: FramesOptions) -> DataFacts:
    """Facts of the training split. `landmarks` is True where any clip has them; NaN fills in for the others.

    Raises:
        DataNotFound: where there is no such folder or index.
        UserError: where it can't be used: see `read_folder` and `open_index`.
    """
    return _index_facts(options) if options.index else _folder_facts(options)


def _folder_facts(options: FramesOptions) -> DataFacts:
    folder = read_folder(options.place, "train", val=options.val, test=options.test)
    return DataFacts(
        clips=len(folder),
        identities=len(set(folder.identities.tolist())),
        frames=int(folder.lengths.sum()),
        fps=options.fps or PAPER_FPS,
        size=options.size,
        shortest=int(folder.lengths.min()),
        longest=int(folder.lengths.max()),
        landmarks=bool(folder.with_landmarks.any()),
    )


def _index_facts(options: FramesOptions) -> DataFacts:
    # Folders are looked at without pyarrow, which takes a moment to import.
    from ssltoolbox.data.index.split import open_index, split_clips

    index = open_index(options.place, options.fps)
    clips = split_clips(index, "train", val=options.val, test=options.test)
    lengths = index.lengths[clips]
    return DataFacts(
        clips=len(clips),
        identities=len(set(index.identities[clips].tolist())),
        frames=int(lengths.sum()),
        fps=index.header.fps,
        size=options.size,
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        landmarks=bool(index.landmarks and index.landmarks.valid.any()),
        labels=frozenset(index.labels),
        loading=_LOADING[index.header.packed.encoding if index.header.packed else "file"],
    )
