"""Labels of one number a frame and of several, [B] and [B, C], wherever rows go: queue, checkpoint, processes."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from helpers.runs import run_tiny, start

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
                         labels=frozenset({"units", "age"}), classes={"units": ("off", "on")})


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
        return Frames(images, nowhere, {"units": (number[:, None] >> torch.arange(12)) & 1,
                                         "age": number.float()})
'''
LABEL_USERS = '''
import torch
from ssltoolbox.api import AuxiliaryLoss, AuxiliaryLossOptions, Descriptor, NegativeMasker, hookimpl


class SameUnits(NegativeMasker):
    """Rows that share most units, and whose age is known, are no negatives."""

    attract = 0.0

    def mask(self, anchors, candidates, eligible):
        units, theirs = anchors.labels["units"], candidates.labels["units"]
        assert units.shape == (len(anchors), 12) and theirs.shape == (len(candidates), 12)
        apart = (units[:, None] != theirs[None]).sum(dim=2)
        return eligible & (apart <= 1) & candidates.labels["age"].isfinite()


class TellUnits(torch.nn.Module, AuxiliaryLoss[AuxiliaryLossOptions]):
    """Features tell the units and the age."""

    def __init__(self, options, context):
        torch.nn.Module.__init__(self)
        self.predict = torch.nn.Linear(context.feature_dim, 13)

    def loss(self, inputs):
        rows = inputs.rows[: len(inputs.features)]
        target = torch.cat([rows.labels["units"].float(), rows.labels["age"][:, None] / 64], dim=1)
        return (self.predict(inputs.features) - target).square().mean()


@hookimpl
def ssltoolbox_negative_maskers():
    yield Descriptor(name="same_units", summary="Rows that share units.", target=f"{__name__}:SameUnits", api=2)


@hookimpl
def ssltoolbox_auxiliary_losses():
    yield Descriptor(name="tell_units", summary="Features tell labels.", options=AuxiliaryLossOptions,
                     target=f"{__name__}:TellUnits", api=2)
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


@pytest.mark.slow
def test_labels_over_two_processes(tmp_path: Path) -> None:
    """A masker and a loss look at labels, in the batch and in the queue: two processes train as one."""
    (tmp_path / "units.py").write_text(DATASET)
    (tmp_path / "users.py").write_text(LABEL_USERS)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        RECIPE.replace("[near_in_time]", "[same_units]\nlosses: [tell_units]")
        .replace("[units.py]", "[units.py, users.py]")
        .replace("steps: 2,", "steps: 4, log_steps: 1,")
    )
    found = []
    for devices in (1, 2):
        out = tmp_path / str(devices)
        process = start(recipe, out, "--set", f"trainer.devices={devices}")
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        with (out / "metrics.csv").open() as file:
            rows = [{name: float(row[name]) for name in MEASURED} for row in csv.DictReader(file)]
        found.append((safetensors.torch.load_file(out / "backbone.safetensors"), rows, queued(out)))
    (one, rows, queue), (two, rows_of_two, queue_of_two) = found
    assert max(row["masked_share"] for row in rows) > 0
    for row, other in zip(rows, rows_of_two, strict=True):
        assert other == pytest.approx(row, rel=1e-3, abs=1e-3)
    for name, values in queue.items():
        # Rank after rank, the keys come in another order.
        assert values.sort(dim=0).values.equal(queue_of_two[name].sort(dim=0).values), name
    apart = torch.stack([(one[key].double() - two[key].double()).square().sum() for key in one]).sum().sqrt()
    length = torch.stack([one[key].double().square().sum() for key in one]).sum().sqrt()
    assert apart < 1e-3 * length


MEASURED = ("loss", "tell_units_loss", "masked_share")


def queued(run_folder: Path) -> dict[str, torch.Tensor]:
    """The labels in the queue, each with the sum of its row, so that rows stay together when they are sorted."""
    state = ssltoolbox.load_method(run_folder).state_dict()
    return {
        key: values if values.ndim == 1 else (values << torch.arange(values.shape[1])).sum(dim=1)
        for key, values in state.items()
        if "labels:" in key
    }
