"""SimCLR as lightly's documentation has it: its transform, head and loss in a module of Lightning."""

from __future__ import annotations

import pytorch_lightning as pl
import timm
import torch
from job import CROP, DECAY, HIDDEN, HUE, JITTER, OUTPUT, RATE, TEMPERATURE, job
from lightly.data import LightlyDataset
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.transforms import SimCLRTransform
from torch import Tensor


class SimCLR(pl.LightningModule):
    """A network, its head and the loss."""

    def __init__(self, network: str) -> None:
        super().__init__()
        self.backbone = timm.create_model(network, num_classes=0)
        self.projection_head = SimCLRProjectionHead(self.backbone.num_features, HIDDEN, OUTPUT)
        self.criterion = NTXentLoss(temperature=TEMPERATURE)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, H, W] → [B, OUTPUT]."""
        return self.projection_head(self.backbone(x))

    def training_step(self, batch: tuple[list[Tensor], Tensor, list[str]], batch_index: int) -> Tensor:
        """The loss of a batch."""
        first, second = batch[0]
        loss = self.criterion(self.forward(first), self.forward(second))
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, as all sides here have it."""
        return torch.optim.AdamW(self.parameters(), lr=RATE, weight_decay=DECAY)


if __name__ == "__main__":
    given = job()
    transform = SimCLRTransform(
        input_size=given.size,
        cj_strength=1.0,
        cj_bright=JITTER,
        cj_contrast=JITTER,
        cj_sat=JITTER,
        cj_hue=HUE,
        min_scale=CROP,
        gaussian_blur=0.5,
    )
    loader = torch.utils.data.DataLoader(
        LightlyDataset(given.images, transform=transform),
        batch_size=given.pairs,
        shuffle=True,
        drop_last=True,
        num_workers=given.workers,
    )
    trainer = pl.Trainer(max_steps=given.steps, max_epochs=-1, devices=1, default_root_dir=given.out)
    trainer.fit(SimCLR(given.network), loader)
