"""Only the forward and backward passes of SimCLR on the same images in memory: the limit of every library here."""

from __future__ import annotations

import time
from pathlib import Path

import timm
import torch
from job import HIDDEN, OUTPUT, TEMPERATURE, read_job
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead

from ssltoolbox.support.allocator import reuse_freed_memory

if __name__ == "__main__":
    reuse_freed_memory()
    given = read_job()
    backbone = timm.create_model(given.network, num_classes=0)
    network = torch.nn.Sequential(backbone, SimCLRProjectionHead(backbone.num_features, HIDDEN, OUTPUT)).to(
        memory_format=torch.channels_last
    )
    criterion = NTXentLoss(temperature=TEMPERATURE)
    views = torch.randn(2 * given.pairs, 3, given.size, given.size)
    views = views.contiguous(memory_format=torch.channels_last)
    with Path(given.times).open("w") as times:
        for _ in range(given.steps):
            network.zero_grad()
            criterion(*network(views).chunk(2)).backward()
            times.write(f"{time.time()}\n")
