"""A run from recipe to folder: what lies there, and what is refused."""

import csv
import json
from importlib.metadata import version
from pathlib import Path

import pytest
import safetensors.torch
import torch
import yaml
from helpers.golden import Golden
from helpers.runs import WITH_METHOD, run_tiny, start, write_recipe

import ssltoolbox
import ssltoolbox.engine.core.components
from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.plan import load_plan

SIMCLR = WITH_METHOD["simclr"]
STRATEGIES = [
    "positives=[time_aug, {name: face_swap, p: 0.5}]",
    "negatives=[hard_neg]",
    "maskers=[{name: mask_fn, descriptor: gradients}]",
]
SPAWNED = "import multiprocessing; multiprocessing.set_start_method('spawn', force=True)"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "backbone.safetensors")


def assert_same_weights(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for key in first:
        assert torch.equal(first[key], second[key]), key


@pytest.mark.parametrize("method", WITH_METHOD)
def test_a_run_folder_has_its_files(tmp_path: Path, method: str) -> None:
    recipe = write_recipe(tmp_path, (SIMCLR, WITH_METHOD[method]))
    run = run_tiny(recipe, tmp_path / "run")
    folder = run.folder.path
    assert {entry.name for entry in folder.iterdir()} >= {
        "recipe.yaml",
        "environment.json",
        "metrics.csv",
        "backbone.safetensors",
        "report.html",
        "log.txt",
    }
    assert (folder / "checkpoints" / "last.ckpt").exists()
    packages = json.loads((folder / "environment.json").read_text())["packages"]
    assert packages["torch"] == version("torch")
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(float(row["loss"]) == float(row["loss"]) for row in rows)
    assert [float(row["epoch"]) for row in rows] == pytest.approx([0, 1, 2, 3, 4, 5])
    assert yaml.safe_load((folder / "recipe.yaml").read_text())["method"]["name"] == method
    initial = ssltoolbox.engine.core.components.Components(load_plan(recipe)).backbone().state_dict()
    trained = weights_of(folder)
    assert trained.keys() == initial.keys()
    assert not torch.equal(trained["stem.conv.weight"], initial["stem.conv.weight"])


def test_a_run_of_fewer_steps_than_a_line_of_the_log_has_metrics(recipe: Path, tmp_path: Path) -> None:
    run = run_tiny(recipe, tmp_path / "run", "trainer.steps=3", "trainer.log_steps=10")
    with (run.folder.path / "metrics.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [3]


def test_the_resolved_recipe_runs_again_as_it_is(recipe: Path, tmp_path: Path) -> None:
    first = run_tiny(recipe, tmp_path / "a")
    again = run_tiny(first.folder.recipe, tmp_path / "b")
    assert_same_weights(weights_of(first.folder.path), weights_of(again.folder.path))
    assert again.folder.recipe.read_text() == first.folder.recipe.read_text()


def rows_of(metrics: Path) -> list[dict[str, str]]:
    """What a run logged, without how fast it was: that is only logged once a second has passed."""
    with metrics.open() as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name != "images_per_s"} for row in rows]


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["trainer.precision=bf16", "trainer.accumulate=2"],
        [*STRATEGIES, "backbone.options={drop_rate: 0.5}"],
    ],
    ids=["plain", "in bf16", "with strategies and dropout"],
)
def test_workers_do_not_change_the_result(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str]
) -> None:
    """With as many of torch's threads: their number may change the last bits."""
    monkeypatch.setattr("ssltoolbox.engine.core.cores.cores", lambda: 1)
    alone = run_tiny(recipe, tmp_path / "a", *changes).folder
    helped = run_tiny(recipe, tmp_path / "b", "trainer.workers=2", *changes).folder
    assert_same_weights(weights_of(alone.path), weights_of(helped.path))
    assert rows_of(alone.metrics) == rows_of(helped.metrics)


@pytest.mark.slow
def test_nor_do_workers_that_are_not_forked(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, on Windows, and since Python 3.14: what prepares a batch is sent to them."""
    monkeypatch.setattr("ssltoolbox.engine.core.cores.cores", lambda: 1)
    alone = run_tiny(recipe, tmp_path / "a", *STRATEGIES).folder
    settings = [word for change in ["trainer.workers=1", *STRATEGIES] for word in ("--set", change)]
    prelude = f"{SPAWNED}\nimport ssltoolbox.engine.core.cores as cores; cores.cores = lambda: 1"
    process = start(recipe, tmp_path / "b", *settings, prelude=prelude)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert_same_weights(weights_of(alone.path), weights_of(tmp_path / "b"))


def test_clipped_gradients_in_mixed_precision(recipe: Path, tmp_path: Path) -> None:
    """Where Lightning can't clip for a fused optimiser."""
    settings = ["trainer.precision=bf16", "trainer.steps=1"]
    run_tiny(recipe, tmp_path / "free", *settings)
    run_tiny(recipe, tmp_path / "clipped", "trainer.gradient_clip=1e-12", *settings)
    free, clipped = (weights_of(tmp_path / name)["stem.conv.weight"] for name in ("free", "clipped"))
    assert not torch.equal(free, clipped)


def test_seeds_change_the_result(recipe: Path, tmp_path: Path) -> None:
    run_tiny(recipe, tmp_path / "a")
    run_tiny(recipe, tmp_path / "b", "seed=1")
    assert not torch.equal(
        weights_of(tmp_path / "a")["stem.conv.weight"], weights_of(tmp_path / "b")["stem.conv.weight"]
    )


def test_accumulation_counts_optimiser_steps(recipe: Path, tmp_path: Path) -> None:
    run = run_tiny(recipe, tmp_path / "run", "trainer.accumulate=2")
    with run.folder.metrics.open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [1, 2, 3, 4, 5, 6]


def test_load_backbone_gives_the_trained_weights(recipe: Path, tmp_path: Path) -> None:
    run_tiny(recipe, tmp_path / "run")
    backbone = ssltoolbox.load_backbone(tmp_path / "run")
    assert not backbone.training
    assert_same_weights(dict(backbone.state_dict()), weights_of(tmp_path / "run"))


def test_a_folder_with_something_in_it_is_refused(recipe: Path, tmp_path: Path, golden: Golden) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError) as caught:
        run_tiny(recipe, out)
    golden(str(caught.value))
    assert [entry.name for entry in out.iterdir()] == ["notes.txt"]


def test_resume_of_a_finished_run_does_nothing(recipe: Path, tmp_path: Path) -> None:
    run = run_tiny(recipe, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (run.folder.backbone, run.folder.checkpoint)}
    run_tiny(recipe, tmp_path / "run", resume=True)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_resume_on_nothing_starts(recipe: Path, tmp_path: Path) -> None:
    run = run_tiny(recipe, tmp_path / "run", resume=True)
    assert [row["step"] for row in rows_of(run.folder.metrics)] == list("123456")


def test_resume_with_another_recipe_is_refused_with_the_difference(
    recipe: Path, tmp_path: Path, golden: Golden
) -> None:
    run_tiny(recipe, tmp_path / "run")
    with pytest.raises(UserError) as caught:
        run_tiny(recipe, tmp_path / "run", "method.temperature=0.5", "trainer.workers=1", resume=True)
    golden(str(caught.value))


def test_a_folder_in_use_is_refused(recipe: Path, tmp_path: Path) -> None:
    run = run_tiny(recipe, tmp_path / "run")
    with run.folder.locked(), pytest.raises(UserError, match="in use"):
        run_tiny(recipe, tmp_path / "run", resume=True)


def test_a_loss_that_is_not_finite_stops_the_run(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(SslToolboxError, match=r"\bnan\b.* step \d") as caught:
        run_tiny(recipe, tmp_path / "run", "optim={name: sgd, lr: 1e30}")
    assert not isinstance(caught.value, UserError)
    facts = json.loads((tmp_path / "run" / "failure.json").read_text())
    assert facts["step"] in range(1, 6)
    assert len(facts["clips"]) == 8
    assert "Traceback" in (tmp_path / "run" / "log.txt").read_text()


def test_the_method_none_only_saves_the_backbone(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, (SIMCLR, "none"), ("positives: [time_aug]\n", ""))
    run = run_tiny(recipe, tmp_path / "run")
    assert not run.folder.checkpoint.exists()
    initial = ssltoolbox.engine.core.components.Components(load_plan(recipe)).backbone().state_dict()
    assert_same_weights(weights_of(run.folder.path), dict(initial))


@pytest.mark.slow
def test_evaluation_beside_random(recipe: Path, tmp_path: Path) -> None:
    overrides = ("evaluate=[expression, valence_arousal, identity]",)
    run = run_tiny(recipe, tmp_path / "run", *overrides)
    written = json.loads(run.folder.evaluation.read_text())
    assert written == json.loads(json.dumps(run.evaluation))
    for results in (written, written["random"]):
        assert set(results) >= {"expression", "valence", "arousal", "identity"}
        assert 0 <= results["expression"]["f1"] <= 1
        assert 0 <= results["identity"]["accuracy"] <= 1
        assert results["valence"]["rmse"] >= 0


def test_the_queue_is_in_the_checkpoint(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, (SIMCLR, WITH_METHOD["mocov2"]))
    run = run_tiny(recipe, tmp_path / "run")
    state = torch.load(run.folder.checkpoint, weights_only=True)["state_dict"]
    assert state["method.loss.memory_bank.bank"].shape == (24, 8)
    assert sorted(state["method.queue.draw"].tolist()) != [-1] * 24
    assert int(state["method.loss.memory_bank.bank_ptr"]) == 0


def test_a_recipe_changed_in_python(recipe: Path, tmp_path: Path) -> None:
    loaded = ssltoolbox.load_recipe(recipe)
    assert loaded.name == "tiny"
    changed = loaded.model_copy(update={"seed": 5, "name": "changed"})
    run = ssltoolbox.train(changed, ["trainer.steps=1"], out=tmp_path / "run")
    assert yaml.safe_load(run.folder.recipe.read_text())["seed"] == 5
    assert ssltoolbox.load_recipe(run.folder.recipe).name == "changed"


def test_code_that_cannot_be_imported_leaves_no_folder(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from ssltoolbox.api import Descriptor, hookimpl\n"
        "@hookimpl\n"
        "def ssltoolbox_positive_generators():\n"
        "    yield Descriptor(name='mine', summary='Mine.', target='not_there:Mine', api=1)\n"
    )
    recipe = write_recipe(tmp_path, ("[time_aug]", "[mine]\nplugins: {files: [mine.py]}"))
    with pytest.raises(UserError, match="not_there"):
        run_tiny(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
