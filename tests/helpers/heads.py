"""A run with heads that nobody fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.runs import untrained_run, write_recipe
from ssltoolbox import load_backbone
from ssltoolbox.api import Head, HeadOutput
from ssltoolbox.engine.runs.folder import open_run
from ssltoolbox.engine.runs.heads import HeadCard, write_head
from ssltoolbox.models import weights_hash

MOODS = HeadOutput("mood", "classes", ("calm", "glad", "wild"))
AFFECT = (HeadOutput("valence", "number"), HeadOutput("arousal", "number"))
UNITS = HeadOutput("aus", "yes_no", ("au1", "au12"))
FEATURES = 256


def run_with_heads(folder: Path, **heads: tuple[HeadOutput, ...]) -> Path:
    """A run in `folder/run` of the tiny recipe, with a random head for each task.

    Args:
        folder: has the recipe too.
        heads: task → what its head predicts; the tasks `classification` and `valence_arousal` if there are none.
    """
    run = untrained_run(write_recipe(folder), folder / "run")
    opened, plan = open_run(run)
    view = {"name": "standard", **plan.views.options.model_dump(mode="json")}
    weights = weights_hash(load_backbone(run))
    rng = np.random.default_rng(0)
    for task, outputs in (heads or {"classification": (MOODS,), "valence_arousal": AFFECT}).items():
        width = sum(len(output.columns) for output in outputs)
        layer = rng.normal(size=(width, FEATURES)).astype(np.float32) / 10, np.zeros(width, np.float32)
        card = HeadCard(task, "linear", outputs, view, 32, weights, fitted_on={"note": "Nobody fitted them."})
        write_head(opened, Head(outputs, (layer,)), card)
    return run
