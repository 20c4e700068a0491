"""Features of every frame as Parquet: each row is of the frame that it says."""

import json
from pathlib import Path
from typing import Any, Never

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from helpers.runs import untrained_run, write_recipe

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect import embed
from ssltoolbox.engine.inspect.embed import Embedded
from ssltoolbox.engine.inspect.source import NetworkSource, open_source
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    recipe = write_recipe(tmp_path, ("eval_clips: 8", "eval_clips: 4"))
    return open_source(NetworkSource(str(untrained_run(recipe, tmp_path / "run"))))


def written(plan: Plan, path: Path, ticks: list[int] | None = None, **options: Any) -> Embedded:
    ticks = [] if ticks is None else ticks
    return embed.Embedding(Components(plan), **options).write(path, ticks.append)


def test_every_frame_of_every_split(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "ROWS", 32)
    ticks = []
    path = tmp_path / "new" / "x.parquet"
    done = written(plan, path, ticks)
    table = pq.read_table(path)
    assert (done.frames, done.left_out, done.dim) == (table.num_rows, 0, 256) == (20 * (12 + 4 + 4), 0, 256)
    assert sum(ticks) == 400
    assert max(ticks) == 32
    assert pq.ParquetFile(path).metadata.num_row_groups == len(ticks)
    assert table.column_names == [
        *("split", "clip", "frame", "time", "identity", "arousal", "expression", "valence", "features")
    ]
    assert table["split"].to_pylist() == ["train"] * 240 + ["val"] * 80 + ["test"] * 80
    assert table["frame"].to_pylist() == list(range(20)) * 20
    assert [entry.name for entry in path.parent.iterdir()] == ["x.parquet"]
    about = json.loads(table.schema.metadata[b"ssltoolbox"])
    assert (about["recipe"], about["backbone"], about["image_size"]) == ("tiny", "test_byobnet", 32)
    assert about["classes"]["expression"][:2] == ["neutral", "happy"]
    assert about["weights"] == weights_hash(Components(plan).initial_backbone())


def test_a_row_is_of_its_frame(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    written(plan, path, splits=["test"])
    components, table = Components(plan), pq.read_table(path).to_pylist()
    dataset, row = components.splits["test"], table[27]
    clip = next(dataset.clip(i) for i in range(4) if dataset.clip(i).name == row["clip"])
    assert (row["time"], row["identity"]) == (clip.times[row["frame"]], clip.identity)
    frames = dataset.read([clip.index], [row["frame"]])
    with torch.no_grad():
        features = components.initial_backbone().eval()(components.view.plain(frames.images))[0]
    np.testing.assert_allclose(row["features"], features, atol=1e-5)
    assert row["valence"] == pytest.approx(float(frames.labels["valence"][0]), nan_ok=True)


def test_what_has_no_label_is_null() -> None:
    assert embed._label(np.array([3, -1])).to_pylist() == [3, None]
    assert embed._label(np.array([0.5, np.nan], np.float32)).to_pylist() == [0.5, None]


def test_nothing_is_left_of_a_file_that_could_not_be_finished(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Never:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_batch", full)
    with pytest.raises(SslToolboxError, match=r"x\.parquet: No space left on device"):
        written(plan, tmp_path / "x.parquet")
    assert not list(tmp_path.glob("*parquet*"))
