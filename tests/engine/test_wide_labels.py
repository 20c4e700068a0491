"""Labels of several numbers a frame, [B, C], from the dataset to the queue, the checkpoint and `embed`."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import torch
from helpers.runs import run_tiny

import ssltoolbox
from ssltoolbox.cli.main import run

DATASET = '''
import numpy as np
import torch
from ssltoolbox.api import Clip, DataFacts, DatasetOptions, Descriptor, Frames, hookimpl


class UnitsOptions(DatasetOptions):
    """None."""

    def facts(self, split="train"):
        return DataFacts(clips=16, identities=8, frames=64, fps=25, size=32, shortest=4, longest=4,
                         labels=frozenset({"units"}), classes={"units": ("off", "on")})


@hookimpl
def ssltoolbox_datasets():
    yield Descriptor(name="units", summary="Twelve binary labels.", options=UnitsOptions,
                     target=f"{__name__}:Units", api=2)


class Units:
    size = 32

    def __init__(self, options, split):
        pass

    def __len__(self):
        return 16

    def clip(self, index):
        return Clip(index, index // 2, np.arange(4) / 25)

    def read(self, clips, frames):
        number = torch.tensor([4 * clip + frame for clip, frame in zip(clips, frames)])
        images = (3 * number)[:, None, None, None].to(torch.uint8).expand(-1, 3, 32, 32).clone()
        nowhere = torch.full((len(number), 68, 2), torch.nan)
        return Frames(images, nowhere, {"units": (number[:, None] >> torch.arange(12)) & 1})
'''
RECIPE = """
recipe: 1
name: wide
data: units
backbone: test_byobnet
method: {name: mocov2, queue: 16, hidden_dim: 8, output_dim: 8}
positives: [same_person]
maskers: [near_in_time]
views: {name: standard, size: 32}
optim: {lr: 1e-3}
trainer: {steps: 2, batch_size: 8, workers: 0, probe_steps: 1}
plugins: {files: [units.py]}
"""


def test_labels_of_several_numbers(tmp_path: Path) -> None:
    (tmp_path / "units.py").write_text(DATASET)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    run_tiny(recipe, tmp_path / "run")
    state = ssltoolbox.load_method(tmp_path / "run").state_dict()
    (queued,) = [values for key, values in state.items() if key.endswith("labels:units")]
    (clips,) = [values for key, values in state.items() if key.endswith(".clip")]
    assert queued.shape == (16, 12)
    assert ((queued << torch.arange(12)).sum(dim=1) // 4 == clips).all()
    out = tmp_path / "x.parquet"
    assert run(["embed", str(tmp_path / "run"), "units", "-o", str(out)]) == 0
    table = pq.read_table(out)
    assert all(len(row) == 12 for row in table["units"].to_pylist())
