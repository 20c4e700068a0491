"""The hook and the options of the dataset `tar_shards`; free of torch."""

from pathlib import Path

import numpy as np
from pydantic import Field

from ssltoolbox.api import DataFacts, DatasetOptions, Descriptor, hookimpl
from tar_shards.index import open_index


class TarShardsOptions(DatasetOptions):
    """Where the shards are, and how their frames are read."""

    root: Path
    """A folder with tar files, and the index that `python -m tar_shards.index FOLDER` makes of them."""
    size: int = Field(default=112, ge=8)
    """Height and width that frames are resized to, in pixels."""
    fps: float = Field(default=25 / 6, gt=0)
    """Frames per second."""

    def facts(self, split="train"):
        clips = open_index(self.root).clips[self.numbers(split)]
        return DataFacts(
            clips=len(clips),
            identities=len(np.unique(clips["identity"])),
            frames=int(clips["frames"].sum()),
            fps=self.fps,
            size=self.size,
            shortest=int(clips["frames"].min(initial=2**31 - 1)),
            longest=int(clips["frames"].max(initial=0)),
        )

    def numbers(self, split):
        """The numbers of a split's clips. Of ten people, eight are for training, one for val and one for test."""
        part = open_index(self.root).clips["identity"] % 10
        return np.flatnonzero({"train": part < 8, "val": part == 8, "test": part == 9}[split])


@hookimpl
def ssltoolbox_datasets():
    yield Descriptor(
        name="tar_shards",
        summary="Face frames in tar files, found by an index of offsets.",
        options=TarShardsOptions,
        target="tar_shards.dataset:TarShards",
        api=2,
    )
