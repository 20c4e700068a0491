"""Single images: each is a clip of one frame, and its positive is the same image augmented anew."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import Field

from ssltoolbox.api import Clip, DataFacts, DataNotFound, DatasetOptions, Descriptor, Frames, hookimpl


class PlainImagesOptions(DatasetOptions):
    """Where the images are."""

    root: Path
    """A folder with JPEG files. Of ten, eight are for training, one for val and one for test."""
    size: int = Field(default=112, ge=8)
    """Height and width that images are resized to, in pixels."""

    def facts(self, split="train"):
        count = len(self.paths(split))
        return DataFacts(
            clips=count, identities=count, frames=count, fps=1.0, size=self.size, shortest=1, longest=1
        )

    def paths(self, split):
        """The images of a split, sorted by name."""
        if not self.root.is_dir():
            raise DataNotFound(f"there is no folder {self.root}")
        parts = {"train": range(8), "val": range(8, 9), "test": range(9, 10)}
        every = sorted(self.root.glob("*.jpg"))
        return [path for number, path in enumerate(every) if number % 10 in parts[split]]


class PlainImages:
    """Opens an image when it is read. Nobody knows who is shown, so that each image has a person of its own."""

    def __init__(self, options, split):
        self.size, self.paths = options.size, options.paths(split)

    def __len__(self):
        return len(self.paths)

    def clip(self, index):
        return Clip(index, identity=index, times=np.zeros(1), name=self.paths[index].name)

    def read(self, clips, frames):
        images = torch.zeros(len(clips), 3, self.size, self.size, dtype=torch.uint8)
        unreadable = {}
        for position, clip in enumerate(clips):
            try:
                images[position] = self.image(self.paths[clip])
            except OSError as error:
                unreadable[position] = f"{self.paths[clip]}: {error}"
        return Frames(images, torch.full((len(clips), 68, 2), torch.nan), unreadable=unreadable)

    def image(self, path):
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB").resize((self.size, self.size)))
        return torch.from_numpy(pixels).permute(2, 0, 1)


@hookimpl
def ssltoolbox_datasets():
    yield Descriptor(
        name="plain_images",
        summary="A folder of single images.",
        options=PlainImagesOptions,
        target=f"{__name__}:PlainImages",
        api=2,
    )
