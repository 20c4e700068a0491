"""SimCLR by stable-pretraining, as its front page has it."""

from __future__ import annotations

import lightning
import stable_pretraining as spt
import torch
import torchvision
from job import CROP, DECAY, HIDDEN, HUE, JITTER, MEAN, OUTPUT, RATE, STD, TEMPERATURE, job
from stable_pretraining import forward
from stable_pretraining.data import transforms

if __name__ == "__main__":
    given = job()
    view = transforms.Compose(
        transforms.RGB(),
        transforms.RandomResizedCrop((given.size, given.size), scale=(CROP, 1.0)),
        transforms.RandomHorizontalFlip(p=0.5),
        transforms.ColorJitter(brightness=JITTER, contrast=JITTER, saturation=JITTER, hue=HUE, p=0.8),
        transforms.RandomGrayscale(p=0.2),
        transforms.GaussianBlur(kernel_size=(3, 3), p=0.5),
        transforms.ToImage(mean=MEAN, std=STD),
    )
    images = spt.data.FromTorchDataset(
        torchvision.datasets.ImageFolder(given.images),
        names=["image", "label"],
        transform=transforms.MultiViewTransform([view, view]),
    )
    loader = torch.utils.data.DataLoader(
        images, batch_size=given.pairs, shuffle=True, drop_last=True, num_workers=given.workers
    )
    backbone = spt.backbone.from_timm(given.network, num_classes=0)
    projector = torch.nn.Sequential(
        torch.nn.Linear(backbone.num_features, HIDDEN),
        torch.nn.BatchNorm1d(HIDDEN),
        torch.nn.ReLU(inplace=True),
        torch.nn.Linear(HIDDEN, OUTPUT),
    )
    module = spt.Module(
        backbone=backbone,
        projector=projector,
        forward=forward.simclr,
        simclr_loss=spt.losses.NTXEntLoss(temperature=TEMPERATURE),
        optim={
            "optimizer": {"type": "AdamW", "lr": RATE, "weight_decay": DECAY},
            "scheduler": {"type": "CosineAnnealingLR", "T_max": given.steps},
            "interval": "step",
        },
    )
    trainer = lightning.Trainer(
        max_steps=given.steps,
        max_epochs=-1,
        devices=1,
        num_sanity_val_steps=0,
        logger=False,
        default_root_dir=given.out,
    )
    spt.Manager(trainer=trainer, module=module, data=spt.data.DataModule(train=loader))()
