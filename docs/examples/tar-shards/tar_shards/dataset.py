"""The dataset `tar_shards`."""

import io

import numpy as np
import torch
from PIL import Image

from ssltoolbox.api import Clip, Frames
from tar_shards.index import open_index


class TarShards:
    """Reads a frame's bytes at its offset. It holds neither the index nor open files: it is copied to workers."""

    def __init__(self, options, split):
        self.options, self.size = options, options.size
        self.numbers = options.numbers(split)

    @property
    def identities(self):
        """[clips] int64: saves the engine from asking for each clip."""
        return open_index(self.options.root).clips["identity"][self.numbers]

    def __len__(self):
        return len(self.numbers)

    def clip(self, index):
        known = open_index(self.options.root).clips[self.numbers[index]]
        times = np.arange(known["frames"]) / self.options.fps
        return Clip(index, identity=int(known["identity"]), times=times, name=f"clip {self.numbers[index]}")

    def read(self, clips, frames):
        images = torch.zeros(len(clips), 3, self.size, self.size, dtype=torch.uint8)
        unreadable = {}
        for position, (clip, frame) in enumerate(zip(clips, frames, strict=True)):
            try:
                images[position] = self.image(clip, frame)
            except OSError as error:
                unreadable[position] = f"clip {self.numbers[clip]}, frame {frame}: {error}"
        return Frames(images, torch.full((len(clips), 68, 2), torch.nan), unreadable=unreadable)

    def image(self, clip, frame):
        index = open_index(self.options.root)
        place = index.frames[index.clips[self.numbers[clip]]["first"] + frame]
        with open(self.options.root / index.shards[place["shard"]], "rb") as shard:
            shard.seek(place["offset"])
            encoded = shard.read(place["size"])
        pixels = np.array(Image.open(io.BytesIO(encoded)).convert("RGB").resize((self.size, self.size)))
        return torch.from_numpy(pixels).permute(2, 0, 1)
