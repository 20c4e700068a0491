"""A run folder of plain files, for reports and model cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECIPE = """\
recipe: 1
name: {name}
seed: 0
data: {{name: synthetic_faces}}
backbone: {{name: test_byobnet, weights: null}}
method: {{name: simclr}}
positives: [{{name: time_aug}}]
negatives: []
maskers: [{{name: mask_fn}}]
trainer: {{steps: 800, epochs: null}}
"""
F1 = {"key": "f1", "label": "macro-F1", "better": "higher", "phrase": "tell expressions apart with"}
ACCURACY = {"key": "accuracy", "better": "higher", "chance": "chance"}
IDENTITY = {"key": "accuracy", "better": "lower", "versus_untrained": False}
EVALUATION = {
    "expression": {
        "f1": 0.2853,
        "accuracy": 0.2973,
        "difference": {"f1": [0.1, 0.21], "accuracy": [-0.01, 0.3]},
        "metrics": [F1, ACCURACY],
        "chance": 0.5,
        "per_class": {"happy": {}, "sad": {}},
        "confusion": [[30, 10], [5, 15]],
    },
    "identity": {"accuracy": 0.2137, "difference": {"accuracy": [0.05, 0.1]}, "metrics": [IDENTITY]},
    "random": {"expression": {"f1": 0.1299, "accuracy": 0.1329}, "identity": {"accuracy": 0.135}},
}
ENVIRONMENT = {
    "started": "2026-01-31T20:26:24+00:00",
    "command": ["ssltoolbox", "train", "my recipe.yaml"],
    "gpus": [],
    "packages": {"torch": "2.11"},
    "trains": True,
    "notices": [],
    "data": {"clips": 960, "fps": 4.1666666, "labels": ["arousal", "valence"], "note": "These are drawings."},
}
METRICS = (
    "step,loss,lr,masked_share,masked_same_expression,chance_same_expression,swaps_skipped_per_sample,news\n"
    "10,6.5,0.1,0.004,0.8,0.15,0,\n"
    "20,5.5,0.05,0.004,0.9,0.25,0.5,nan\n"
    "30,4.5,0.01,0.004,0.7,0.2,1,7\n"
)


class RunFolder:
    """Files as a run leaves them, each of which a test may change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe()
        self.json("evaluation", EVALUATION)
        self.json("environment", ENVIRONMENT)
        self.write("metrics.csv", METRICS)

    def recipe(self, name: str = "small", *changes: tuple[str, str]) -> None:
        text = RECIPE.format(name=name)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.write("recipe.yaml", text)

    def json(self, name: str, value: Any) -> None:
        self.write(f"{name}.json", json.dumps(value))

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")
