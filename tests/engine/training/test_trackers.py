"""The real trackers: one run, one point a step, the recipe as parameters, all in the folder, resumed in place."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import run_tiny, start, write_recipe

pytestmark = pytest.mark.slow

KILLED = """
import os, signal, time
from ssltoolbox.engine.training.module import TrainingModule
step = TrainingModule.training_step
def killed(self, batch, index):
    if self.global_step == 5:
        time.sleep(4)  # W&B writes once a second
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, index)
TrainingModule.training_step = killed
"""
STEPS = [1, 2, 3, 4, 5, 6]


@pytest.fixture
def resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """The folder of a run that was killed at its last step and resumed: its row 5 was there before."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # W&B leaves its service's address to the processes that this one starts.
    monkeypatch.delenv("WANDB_SERVICE", raising=False)

    def run(tracker: str) -> Path:
        recipe, out = write_recipe(tmp_path), tmp_path / "run"
        work = tmp_path / "work"
        work.mkdir()
        monkeypatch.chdir(work)
        wanted = ("--set", f"trainer.loggers=[{tracker}]")
        start(recipe, out, *wanted, prelude=KILLED).communicate(timeout=600)
        assert len(rows_of(out)) == 5
        process = start(recipe, out, *wanted, "--resume")
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        assert [int(row["step"]) for row in rows_of(out)] == STEPS
        assert not list(work.iterdir()), "a tracker writes into the current folder"
        return out

    return run


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_as_in_metrics(out: Path, points: list[tuple[int, float]]) -> None:
    assert [step for step, _ in points] == STEPS
    assert [loss for _, loss in points] == pytest.approx(
        [float(row["loss"]) for row in rows_of(out)], rel=1e-4
    )


def test_tensorboard_gets_the_metrics_of_a_resumed_run(resumed: Callable[[str], Path]) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    out = resumed("tensorboard")
    read = accumulators.EventAccumulator(str(out / "tensorboard")).Reload()
    assert_as_in_metrics(out, [(event.step, event.value) for event in read.Scalars("loss")])
    plugin = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    content = read.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    parameters = plugin.HParamsPluginData.FromString(content).session_start_info.hparams
    assert parameters["method/name"].string_value == "simclr"


def test_mlflow_gets_the_metrics_of_a_resumed_run(resumed: Callable[[str], Path]) -> None:
    pytest.importorskip("mlflow")
    out = resumed("mlflow")
    with closing(sqlite3.connect(out / "mlflow.db")) as database:
        ((run, status, place),) = database.execute("select run_uuid, status, artifact_uri from runs")
        points = database.execute(
            "select step, value from metrics where key = 'loss' order by step"
        ).fetchall()
        parameters = dict(database.execute("select key, value from params"))
    assert status == "FINISHED"
    assert place.startswith((out / "mlflow").as_uri())
    assert json.loads((out / "trackers.json").read_text()) == {"mlflow": run}
    assert_as_in_metrics(out, points)
    assert parameters["method/name"] == "simclr"


@pytest.mark.filterwarnings("ignore:The ``noload`` loader")
def test_two_runs_of_a_process_have_an_mlflow_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("one", "two"):
        run_tiny(write_recipe(tmp_path), tmp_path / name, "trainer.loggers=[mlflow]", "trainer.steps=2")
        with closing(sqlite3.connect(tmp_path / name / "mlflow.db")) as database:
            assert database.execute("select count(*) from runs").fetchone() == (1,)
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_wandb_gets_the_metrics_of_a_resumed_run(resumed: Callable[[str], Path]) -> None:
    records = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    out = resumed("wandb")
    run_id = json.loads((out / "trackers.json").read_text())["wandb"]
    parts = sorted((out / "wandb").glob(f"offline-run-*-{run_id}/run-{run_id}.wandb"))
    assert len(parts) == len(list((out / "wandb").glob("offline-run-*"))) == 2
    read = [records.Record.FromString(data) for part in parts for data in log_records(part)]
    points = []
    for record in read:
        if record.WhichOneof("record_type") == "history":
            values: dict[str, Any] = {
                item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item
            }
            points.append((values["_step"], values["loss"]))
    assert_as_in_metrics(out, points)
    parameters = {item.key or item.nested_key[0] for record in read for item in record.config.update}
    assert {"method", "optim", "trainer"} <= parameters


def log_records(path: Path) -> Iterator[bytes]:
    """The records of a file of W&B: LevelDB's log format behind 7 bytes."""
    block, head, ends = 32768, 7, (1, 4)
    content, at, record = path.read_bytes(), head, b""
    while at + head <= len(content):
        if block - at % block < head:
            at += block - at % block
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + head])
        record += content[at + head : at + head + length]
        at += head + length
        if kind in ends:
            yield record
            record = b""
