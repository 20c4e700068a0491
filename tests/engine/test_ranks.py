"""One process or several: the same weights and the same numbers in the log, up to the order of sums."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers.runs import assert_near, start, untrained_run, write_recipe

pytestmark = pytest.mark.slow

STRATEGIES = (
    "positives=[time_aug, {name: face_swap, p: 0.5}, {name: cut_mix, p: 0.5}]",
    "negatives=[hard_neg]",
    "maskers=[{name: mask_fn, descriptor: gradients}]",
    "views={name: paper, size: 32}",
    "trainer.batch_size=16",
)


def trained(
    recipe: Path, out: Path, devices: int, changes: tuple[str, ...] = STRATEGIES
) -> tuple[dict[str, torch.Tensor], list[dict[str, str]]]:
    settings = [word for change in (*changes, f"trainer.devices={devices}") for word in ("--set", change)]
    process = start(recipe, out, *settings, prelude="import torch; torch.set_num_threads(1)")
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    with (out / "metrics.csv").open() as file:
        # A step's rate is of this machine, and is there only from the first second on.
        rows = [{name: row[name] for name in row if name != "images_per_s"} for row in csv.DictReader(file)]
    return safetensors.torch.load_file(out / "backbone.safetensors"), rows


def test_two_processes_in_chunks_train_as_one_without(tmp_path: Path) -> None:
    """A backbone without batch norm, whose chunks do not matter; gradients in bf16 are rounded.

    SGD, because Adam would turn the rounding errors of biases without a gradient into whole steps.
    """
    recipe = write_recipe(
        tmp_path,
        ("test_byobnet", "test_vit"),
        ("steps: 6", "steps: 2"),
        ("{lr: 1e-3, warmup_epochs: 1}", "{name: sgd, lr: 1, schedule: constant}"),
    )
    one, _ = trained(recipe, tmp_path / "one", 1, ())
    two, _ = trained(recipe, tmp_path / "two", 2, ("trainer.chunk_size=3", "trainer.static_graph=true"))
    assert_near(one, two)
    reduced, _ = trained(
        recipe, tmp_path / "reduced", 2, ("trainer.chunk_size=3", "trainer.gradient_hook=bf16")
    )
    assert_near(one, reduced, within=0.01)
    assert any(not torch.equal(reduced[key], two[key]) for key in two)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """And evaluate as one: each computes features of its share of the images."""
    recipe = write_recipe(tmp_path, ("trainer:", "evaluate: [{name: identity, protocol: knn}]\ntrainer:"))
    one, rows = trained(recipe, tmp_path / "one", 1)
    two, rows_of_two = trained(recipe, tmp_path / "two", 2)
    assert_near(one, two)
    assert rows[0].keys() == rows_of_two[0].keys()
    assert {"loss", "effective_rank", "masked_share", "faces_swapped_per_sample"} <= rows[0].keys()
    for row, other in zip(rows, rows_of_two, strict=True):
        for name in row:
            # A share of what was masked is a mean over processes, which mask different numbers of candidates.
            within = 0.05 if "_same_" in name else 1e-3
            assert float(other[name]) == pytest.approx(float(row[name]), rel=1e-2, abs=within), name
    world = json.loads((tmp_path / "two" / "environment.json").read_text())["world"]
    assert world == {"processes": 2, "devices": 2, "nodes": 1, "launcher": None}
    found, alone = (
        json.loads((tmp_path / name / "evaluation.json").read_text())["identity"] for name in ("two", "one")
    )
    assert found["accuracy"] == pytest.approx(alone["accuracy"], abs=0.05)
    for log in ("log.txt", "log.rank1.txt"):
        text = (tmp_path / "two" / log).read_text()
        assert re.search(r"rank \d of 2 .*step 0\b", text)
        assert "features of " in text


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def python(*arguments: str, folder: Path) -> str:
    """The output of Python with these arguments, on one core a process, without features kept by another test."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "SSLTOOLBOX_CACHE": str(folder / "cache")}
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("of_weights", [False, True], ids=["run", "weights"])
def test_two_processes_evaluate_as_one(tmp_path: Path, of_weights: bool) -> None:
    """Three batches of frames: the first process computes one, the other two; only the first prints."""
    recipe = write_recipe(
        tmp_path,
        ("eval_clips: 8", "eval_clips: 28"),
        ("trainer:", "evaluate: [{name: identity, protocol: knn}]\ntrainer:"),
    )
    found, printed = {}, {}
    for name, launcher in (("alone", ()), ("together", TORCHRUN)):
        folder = tmp_path / name
        folder.mkdir()
        run = untrained_run(recipe, folder / "run")
        what = [str(run)]
        if of_weights:
            weights = str(run / "backbone.safetensors")
            (run / "recipe.yaml").unlink()
            what = [weights, "--recipe", str(recipe), "--out", str(folder / "out")]
            run = folder / "out"
        printed[name] = python(*launcher, "-m", "ssltoolbox", "evaluate", *what, folder=folder)
        found[name] = json.loads((run / "evaluation.json").read_text())
        if launcher:
            assert "features of 304 of 560 frames" in (run / "log.rank1.txt").read_text()
    assert found["together"] == found["alone"]
    assert len(printed["together"].splitlines()) == len(printed["alone"].splitlines())


# One write for a line: on one pipe, pieces that processes write at the same time may mix.
TWO_TRAININGS = """
import sys
import ssltoolbox

print("begins\\n", end="")
for seed in (1, 2):
    run = ssltoolbox.train(sys.argv[1], [f"seed={seed}"], out=f"run{seed}")
    print(f'{run.folder.path.name} {run.evaluation["identity"]["accuracy"]}\\n', end="")
"""


def test_two_trainings_in_a_script(tmp_path: Path) -> None:
    """The process that is started for the second training skips the first."""
    recipe = write_recipe(
        tmp_path,
        ("steps: 6,", "devices: 2, steps: 2,"),
        ("trainer:", "evaluate: [{name: identity, protocol: knn}]\ntrainer:"),
    )
    (tmp_path / "script.py").write_text(TWO_TRAININGS)
    lines = python("script.py", str(recipe), folder=tmp_path).splitlines()
    assert lines.count("begins") == 3
    for seed in (1, 2):
        accuracy = json.loads((tmp_path / f"run{seed}" / "evaluation.json").read_text())["identity"][
            "accuracy"
        ]
        # The first process prints it of both, the second's process of the first training.
        assert lines.count(f"run{seed} {accuracy}") == 3 - seed
        assert "rank 1 of 2 trains" in (tmp_path / f"run{seed}" / "log.rank1.txt").read_text()


LATE = """\
import torch
from torch import nn
from ssltoolbox.api import AuxiliaryLoss, AuxiliaryLossOptions, Descriptor, hookimpl


class Late(AuxiliaryLoss, nn.Module):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.head = nn.Linear(context.feature_dim, 1)

    def loss(self, inputs):
        # Without a gradient for the head in every second step.
        output = self.head(inputs.features) if inputs.step % 2 else inputs.features
        return output.square().mean()


@hookimpl
def ssltoolbox_auxiliary_losses():
    yield Descriptor(
        name="late", summary="Late.", target="late:Late", api=2, options=AuxiliaryLossOptions
    )
"""


def test_parameters_without_a_gradient_in_some_steps(tmp_path: Path) -> None:
    """Two processes stop and say what to do; with that, they train as one."""
    (tmp_path / "late.py").write_text(LATE)
    recipe = write_recipe(tmp_path, ("trainer:", "plugins: {files: [late.py]}\nlosses: [late]\ntrainer:"))
    process = start(recipe, tmp_path / "stopped", "--set", "trainer.devices=2")
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "set trainer.unused_parameters to true" in errors
    assert "Traceback" not in errors
    one, _ = trained(recipe, tmp_path / "one", 1, ())
    two, _ = trained(recipe, tmp_path / "two", 2, ("trainer.unused_parameters=true",))
    assert_near(one, two)
