"""SimCLR by lightly-train."""

from __future__ import annotations

from pathlib import Path

import lightly_train
from job import CROP, DECAY, HIDDEN, HUE, JITTER, OUTPUT, RATE, TEMPERATURE, job

if __name__ == "__main__":
    given = job()
    lightly_train.pretrain(
        out=str(Path(given.out, "run")),
        data=given.images,
        model=f"timm/{given.network}",
        method="simclr",
        method_args={"hidden_dim": HIDDEN, "output_dim": OUTPUT, "temperature": TEMPERATURE},
        epochs=-(-given.steps * given.pairs // len(list(Path(given.images).rglob("*.jpg")))),
        trainer_args={"max_steps": given.steps},
        batch_size=given.pairs,
        devices=1,
        optim="adamw",
        optim_args={"lr": RATE, "weight_decay": DECAY},
        transform_args={
            "image_size": (given.size, given.size),
            "random_resize": {"min_scale": CROP, "max_scale": 1.0},
            "color_jitter": {
                "prob": 0.8,
                "strength": 1.0,
                "brightness": JITTER,
                "contrast": JITTER,
                "saturation": JITTER,
                "hue": HUE,
            },
            "random_gray_scale": 0.2,
            "gaussian_blur": {"prob": 0.5},
        },
    )
