"""A dataset that wraps another one, which the recipe names in its options."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers.runs import halted_at, write_recipe
from PIL import Image

import ssltoolbox
from ssltoolbox.api import Kind
from ssltoolbox.cli.main import run as cli_run
from ssltoolbox.engine.core.components import Components
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Plan, load_plan, recipe_schema
from ssltoolbox.plan.notices import notices_of
from ssltoolbox.recipe import RecipeError
from ssltoolbox.registry import discover

PLUGIN = '''
from dataclasses import replace

from ssltoolbox.api import (
    DatasetOptions, Descriptor, EvaluatorDescriptor, EvaluatorOptions, NamedDataset, hookimpl
)


class FewerOptions(DatasetOptions):
    """Every other clip."""

    dataset: NamedDataset
    """Where the clips come from."""
    every: int = 2
    """One of so many clips."""

    def facts(self, split="train"):
        known = self.dataset.facts(split)
        clips = -(-known.clips // self.every)
        return replace(known, clips=clips, frames=known.frames // self.every, label_facts={})


class Fewer:
    def __init__(self, options, split):
        self.options, self.inner = options, options.dataset.open(split)
        self.size = self.inner.size

    def __len__(self):
        return -(-len(self.inner) // self.options.every)

    def clip(self, index):
        return replace(self.inner.clip(index * self.options.every), index=index)

    def read(self, clips, frames):
        return self.inner.read([clip * self.options.every for clip in clips], frames)


class JoinedOptions(DatasetOptions):
    """Several datasets, one after the other."""

    datasets: tuple[NamedDataset, ...]

    def facts(self, split="train"):
        first, *others = [each.facts(split) for each in self.datasets]
        return replace(first, clips=first.clips + sum(other.clips for other in others))


class Joined:
    def __init__(self, options, split):
        self.inner = [each.open(split) for each in options.datasets]
        self.size = self.inner[0].size

    def __len__(self):
        return sum(map(len, self.inner))


class MixedOptions(JoinedOptions):
    """Some items are no datasets."""

    datasets: tuple[NamedDataset | None, ...]

    def facts(self, split="train"):
        assert self.datasets[0] is None
        return self.datasets[1].facts(split)


Mixed = Joined


class BadOptions(DatasetOptions):
    """Its facts fail."""

    def facts(self, split="train"):
        return {}["clips"]


class ReferenceOptions(EvaluatorOptions):
    """Compares with other data."""

    reference: NamedDataset


@hookimpl
def ssltoolbox_evaluators():
    yield EvaluatorDescriptor(name="reference", summary="Compares.", options=ReferenceOptions,
                              target=f"{__name__}:Reference", api=2)


@hookimpl
def ssltoolbox_datasets():
    known = {"fewer": FewerOptions, "joined": JoinedOptions, "mixed": MixedOptions, "bad": BadOptions}
    for name, options in known.items():
        yield Descriptor(name=name, summary="Wraps other datasets.", options=options,
                         target=f"{__name__}:{name.capitalize()}", api=2,
                         notice="Ask before use." if name == "bad" else "")
'''
PLAIN = "{name: synthetic_faces, identities: 6, clips: 12, frames: 20, size: 32, eval_identities: 4, "
PLAIN += "eval_clips: 8}"
FACES = PLAIN.replace(" clips: 12", " clips: 24")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrappers.py").write_text(PLUGIN)


def recipe(folder: Path, data: str, more: str = "") -> Path:
    path = write_recipe(folder, (PLAIN, data))
    path.write_text(f"{path.read_text()}plugins: {{files: [wrappers.py]}}\n{more}")
    return path


def refused(folder: Path, data: str, more: str = "") -> str:
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe(folder, data, more))
    return str(caught.value)


def put_frames(folder: Path) -> None:
    for identity in range(12):
        for clip in range(2):
            target = folder / f"id{identity}/video/{clip}"
            target.mkdir(parents=True)
            for frame in range(4):
                pixels = np.full((16, 16, 3), 16 * identity + 2 * clip + frame, np.uint8)
                Image.fromarray(pixels).save(target / f"{frame}.png")


def test_trained_resumed_and_measured(tmp_path: Path) -> None:
    path = recipe(tmp_path, f"{{name: fewer, dataset: {FACES}}}", "evaluate: [expression]\n")
    plan = load_plan(path)
    assert plan.facts is not None
    assert plan.facts.clips == 12
    finished = ssltoolbox.train(path, out=tmp_path / "straight")
    assert "accuracy" in finished.evaluation["expression"]
    again = load_plan(tmp_path / "straight" / "recipe.yaml")
    assert again.recipe.data == plan.recipe.data
    with halted_at(step=4):
        ssltoolbox.train(path, ["evaluate=[]"], out=tmp_path / "halted")
    ssltoolbox.train(path, ["evaluate=[]"], out=tmp_path / "halted", resume=True)
    first, second = (ssltoolbox.load_backbone(tmp_path / name) for name in ("straight", "halted"))
    assert weights_hash(first) == weights_hash(second)


def test_paths_are_relative_to_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_frames(tmp_path / "faces")
    inner = "{name: frames, root: faces, size: 16, val: 0.3, test: 0.3}"
    path = recipe(
        tmp_path,
        f"{{name: fewer, dataset: {inner}}}",
        f"evaluate: [{{name: identity, data: {{name: fewer, every: 1, dataset: {inner}}}}}]\n",
    )
    monkeypatch.chdir("/")
    plan = load_plan(path, ["trainer.batch_size=2"])
    written = str(plan.recipe)
    assert str(tmp_path / "faces") in written
    (task,) = Components(plan).tasks.values()
    for splits in (Components(plan).splits, task.folds[0]):
        dataset = pickle.loads(pickle.dumps(splits["train"]))
        assert dataset.read([1], [2]).images.shape == (1, 3, 16, 16)


def test_wrapped_twice_and_several(tmp_path: Path) -> None:
    thrice = f"{{name: fewer, every: 3, dataset: {{name: fewer, dataset: {FACES}}}}}"
    thrice = thrice.replace(" clips: 24", " clips: 48")
    both = f"{{name: joined, datasets: [{FACES}, {thrice}]}}"
    plan = load_plan(recipe(tmp_path, both))
    assert plan.facts is not None
    assert plan.facts.clips == 32 == len(Components(plan).splits["train"])
    assert [inner.key for inner in plan.data.inner] == [
        "synthetic_faces",
        "fewer",
        "fewer",
        "synthetic_faces",
    ]


def test_items_that_are_no_datasets_stay(tmp_path: Path) -> None:
    plan = load_plan(recipe(tmp_path, f"{{name: mixed, datasets: [null, {FACES}]}}"))
    assert plan.facts is not None
    assert plan.facts.clips == 24


@pytest.mark.parametrize("own", ["", f", data: {FACES}"])
def test_a_task_names_a_dataset_besides_its_data(own: str, tmp_path: Path) -> None:
    task = f"{{name: reference, reference: synthetic_faces{own}}}"
    plan = load_plan(recipe(tmp_path, PLAIN, f"evaluate: [{task}]\n"))
    (chosen,) = plan.of(Kind.EVALUATORS)
    assert [data.key for data in chosen.wrapped] == ["synthetic_faces"]
    assert bool(chosen.own_data) == bool(own)
    assert chosen.options.reference.facts().clips  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "said", "at"),
    [
        ("{name: fewer, dataset: {name: framess, root: faces}}", "did you mean 'frames'?", "framess"),
        ("{name: fewer, dataset: {name: frames, rot: faces}}", "did you mean 'root'?", "rot:"),
        ("{name: fewer, dataset: {name: synthetic_faces, clips: many}}", "clips", "many"),
        ("{name: fewer, dataset: {root: faces}}", "needs 'name'", "dataset:"),
        ("{name: fewer}", "needs 'dataset'", "data:"),
        ("{name: fewer, dataset: {name: frames, root: nowhere}}", "nowhere", "nowhere"),
        (
            "{name: joined, datasets: [synthetic_faces, {name: fewer, dataset: hundreds}]}",
            "unknown dataset 'hundreds'",
            "hundreds",
        ),
    ],
)
def test_mistakes_have_their_place(data: str, said: str, at: str, tmp_path: Path) -> None:
    message = refused(tmp_path, data)
    text = (tmp_path / "tiny.yaml").read_text()
    before = text[: text.index(at)]
    assert said in message
    assert f"tiny.yaml:{1 + before.count(chr(10))}:{len(before) - before.rfind(chr(10))}:" in message


def test_missing_data_is_a_warning_in_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(tmp_path, "{name: fewer, dataset: {name: frames, root: nowhere}}")
    assert cli_run(["check", str(path)]) == 0
    assert "nowhere" in capsys.readouterr().err
    assert cli_run(["train", str(path), "--out", "run"]) == 2


def test_another_inner_name_takes_none_of_the_old_options(tmp_path: Path) -> None:
    put_frames(tmp_path / "faces")
    recipe(tmp_path, f"{{name: fewer, every: 3, dataset: {FACES}}}")
    child = tmp_path / "child.yaml"
    child.write_text(
        "recipe: 1\nextends: tiny.yaml\ndata: {dataset: {name: frames, root: faces, size: 16}}\n"
        "trainer: {batch_size: 2}\n"
    )
    plan = load_plan(child)
    assert plan.facts is not None
    assert plan.facts.size == 16
    assert plan.recipe.data.options["every"] == 3
    assert "identities" not in plan.recipe.data.options["dataset"]
    other = load_plan(tmp_path / "tiny.yaml", ["data.dataset.clips=36"])
    assert other.facts is not None
    assert other.facts.clips == 12


def test_the_wrapped_dataset_is_named_in_errors_and_notices(tmp_path: Path) -> None:
    path = recipe(tmp_path, "{name: fewer, dataset: bad}")
    with pytest.raises(RecipeError, match=r"dataset 'bad' .* facts\(\) raised KeyError"):
        load_plan(path)
    (tmp_path / "wrappers.py").write_text(PLUGIN.replace('"bad" else', '"fewer" else'))
    other = tmp_path / "other"
    other.mkdir()
    (other / "wrappers.py").write_text(PLUGIN.replace('"bad" else', '"fewer" else'))
    plan: Plan = load_plan(recipe(other, f"{{name: joined, datasets: [{{name: fewer, dataset: {FACES}}}]}}"))
    assert "Ask before use." in notices_of(plan)


def test_the_kit_tries_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(tmp_path, f"{{name: fewer, dataset: {FACES}}}")
    data = f"{{name: fewer, dataset: {FACES}}}"
    for named in (["--data", data, "--recipe", str(path)], ["--recipe", str(path)]):
        code = cli_run(["plugins", "check", "fewer", *named])
        assert code == 0, "".join(capsys.readouterr())


def test_editors_complete_the_wrapped_dataset() -> None:
    schema = recipe_schema(discover([Path("wrappers.py").absolute()]))
    assert schema["$defs"]["datasets.fewer.NamedDataset"] == {"$ref": "#/properties/data"}
