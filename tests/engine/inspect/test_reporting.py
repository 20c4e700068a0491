"""The report of a run is in its folder, and a run is done without one."""

import re
from pathlib import Path
from typing import Never

import pytest
import torch
from helpers.golden import Golden
from helpers.runs import WITH_METHOD, halted_at, run_tiny, write_recipe
from PIL import Image

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.training.run import train
from ssltoolbox.plan import load_plan


def test_a_run_ends_with_a_report(tmp_path: Path) -> None:
    run = run_tiny(write_recipe(tmp_path), tmp_path / "run", "evaluate=[identity]")
    html = run.folder.report.read_text(encoding="utf-8")
    assert "6 steps" in html
    assert html.count('class="note"') == 1
    assert "data:image/png;base64," in html
    assert run.folder.pairs.read_bytes().startswith(b"\x89PNG")


def test_without_training_there_are_no_pairs(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], "none"), ("positives: [time_aug]\n", ""))
    run = run_tiny(recipe, tmp_path / "run")
    assert "evaluated" in run.folder.report.read_text()
    assert not run.folder.pairs.exists()


def test_a_report_that_fails_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    def broken(folder: Path) -> Never:
        raise ValueError("no [font] found")

    monkeypatch.setattr("ssltoolbox.report.render_report", broken)
    run = train(load_plan(write_recipe(tmp_path)), tmp_path / "run")
    assert run.folder.backbone.exists()
    assert not run.folder.report.exists()
    golden(capsys.readouterr().out.splitlines()[-1])
    assert "ValueError: no [font] found" in run.folder.log.read_text()


def test_a_picture_that_fails_costs_only_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(components: Components, output: Path, draws: int) -> Never:
        raise ValueError("no picture")

    monkeypatch.setattr("ssltoolbox.engine.inspect.preview.preview", broken)
    run = run_tiny(write_recipe(tmp_path), tmp_path / "run")
    assert "data:image/png" not in run.folder.report.read_text()
    assert "ValueError: no picture" in run.folder.log.read_text()


PICTURING = """
import torch
from torch import nn
from ssltoolbox.api import MethodDescriptor, Options, Pictures, StepOutput, hookimpl

class Rebuild(nn.Module):
    def __init__(self, options, context):
        super().__init__()
        self.backbone = context.backbone
        self.head = nn.Linear(context.feature_dim, 3)
        self.register_buffer("steps", torch.zeros(()))

    def step(self, inputs):
        self.steps += 1
        return StepOutput(self.rebuilt(inputs.view_a).sub(inputs.view_a).square().mean())

    def rebuilt(self, images):
        return self.head(self.backbone(images))[:, :, None, None].expand_as(images)

    def pictures(self, inputs):
        assert not self.training and not torch.is_grad_enabled()
        columns = {"image": inputs.view_a, "mean colour": self.rebuilt(inputs.view_a)}
        return Pictures(columns, f"seen after {int(self.steps)} steps: {list(inputs.view_a.shape)}")

@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(
        name="rebuild", summary="R.", target=f"{__name__}:Rebuild", negatives=None, inputs=frozenset(), api=2
    )
"""


def test_a_method_shows_pictures_of_what_it_has_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rebuild.py").write_text(PICTURING)
    recipe = write_recipe(
        tmp_path,
        (WITH_METHOD["simclr"], "rebuild"),
        ("positives: [time_aug]\n", "plugins: {files: [rebuild.py]}\n"),
    )
    run = run_tiny(recipe, tmp_path / "run")
    note = "seen after 6 steps: [6, 3, 32, 32]"
    assert capsys.readouterr().out.splitlines().count(note) == 1
    assert note in run.folder.log.read_text()
    html = run.folder.report.read_text()
    assert note in html
    assert "image, mean colour" in html
    with Image.open(run.folder.pictures) as picture:
        assert picture.width < picture.height


def test_a_resumed_run_that_is_done_keeps_its_report(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    run = run_tiny(recipe, tmp_path / "run")
    run.folder.report.write_text("mine")
    run_tiny(recipe, tmp_path / "run", resume=True)
    assert run.folder.report.read_text() == "mine"


@pytest.mark.parametrize("accumulate", [1, 2])
def test_counts_of_a_generator_are_logged_and_printed(
    tmp_path: Path, accumulate: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "mirror.py"
    plugin.write_text(
        "from dataclasses import replace\n"
        "from ssltoolbox.api import Descriptor, Options, PositiveGenerator, hookimpl\n"
        "@hookimpl\n"
        "def ssltoolbox_positive_generators():\n"
        "    yield Descriptor(name='mirror', summary='M.', target=f'{__name__}:Mirror', api=1)\n"
        "class Mirror(PositiveGenerator[Options]):\n"
        "    def render(self, batch):\n"
        "        return replace(batch, counts={**batch.counts, 'faces_mirrored': len(batch) // 2})\n"
    )
    recipe = write_recipe(tmp_path, ("[time_aug]", "[mirror]\nplugins: {files: [mirror.py]}"))
    run = run_tiny(recipe, tmp_path / "run", f"trainer.accumulate={accumulate}", "trainer.log_steps=3")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("faces mirrored"))
    assert {"24", "0.50"} <= set(re.findall(r"[\d.]+", line))
    assert line in run.folder.log.read_text()
    header, *rows = (line.split(",") for line in run.folder.metrics.read_text().splitlines())
    assert [row[header.index("faces_mirrored_per_sample")] for row in rows] == ["0.5", "0.5"]
    counts = torch.load(run.folder.checkpoint, weights_only=True)["callbacks"]["DataWatch"]["counts"]
    assert counts["faces_mirrored"] == 24
    assert counts["draws"] == 48


def test_a_run_has_a_report_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live_report = "ssltoolbox.engine.training.callbacks.live_report"
    recipe = write_recipe(tmp_path, ("name: tiny", "name: child\nextends: parent.yaml"))
    (tmp_path / "parent.yaml").write_text("recipe: 1\nseed: 3\n")
    with halted_at(2), monkeypatch.context() as often:
        often.setattr(f"{live_report}.SECONDS_BETWEEN", 0.0)
        often.setattr(f"{live_report}.COST_SHARE", 1e9)
        run_tiny(recipe, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    assert "Not finished: step 1 of 6." in folder.report.read_text()
    assert folder.recorded()["device"] == "CPU"
    assert "ended" not in folder.recorded()
    assert "name" in folder.recorded()["own_keys"]
    assert "seed" not in folder.recorded()["own_keys"]
    before = folder.recorded()["seconds"]
    run_tiny(recipe, tmp_path / "run", resume=True)
    assert "6 steps" in folder.report.read_text()
    assert folder.recorded()["seconds"] > before
