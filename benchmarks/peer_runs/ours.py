"""SimCLR by `ssltoolbox train`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from job import CROP, DECAY, HIDDEN, HUE, JITTER, OUTPUT, RATE, TEMPERATURE, job

from ssltoolbox.cli import main

given = job()
recipe = Path(given.out, "recipe.yaml")
sections = {
    "recipe": 1,
    "name": "peers",
    "data": {"name": "frames", "root": given.images, "size": given.stored},
    "backbone": {"name": given.network},
    "method": {
        "name": "simclr",
        "temperature": TEMPERATURE,
        "hidden_dim": HIDDEN,
        "output_dim": OUTPUT,
    },
    "views": {
        "name": "standard",
        "size": given.size,
        "crop": CROP**0.5,
        "brightness": JITTER,
        "contrast": JITTER,
        "saturation": JITTER,
        "hue": HUE,
    },
    "optim": {"name": "adamw", "lr": RATE, "weight_decay": DECAY},
    "trainer": {"steps": given.steps, "batch_size": given.pairs},
    "evaluate": [],
}
recipe.write_text(json.dumps(sections))
sys.argv = ["ssltoolbox", "train", str(recipe), "--out", str(Path(given.out, "run"))]
main()
