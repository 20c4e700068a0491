"""Images with labels of your own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from ssltoolbox.api import LabelledDataset, UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.labelled.own.dataset import Labelled
from ssltoolbox.data.labelled.own.options import LabelledOptions

RECIPE = """\
recipe: 1
name: own
data: {name: synthetic_faces, size: 24, clips: 4, identities: 2, eval_clips: 2, eval_identities: 2, frames: 4}
backbone: {name: test_byobnet}
method: {name: simclr, hidden_dim: 8, output_dim: 4}
views: {name: standard, size: 16}
optim: {lr: 1e-3, warmup_epochs: 0}
trainer: {steps: 1, batch_size: 2, workers: 0}
evaluate: [{name: classification, label: emotion, data: {name: labelled, table: faces.csv, root: faces, size: 16}}]
"""


def table(folder: Path, *lines: str, **options: object) -> LabelledOptions:
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return LabelledOptions(table=folder / "faces.csv", **options)


def test_official_splits_and_class_names_of_ones_own(tmp_path: Path) -> None:
    options = table(
        tmp_path,
        "path,split,emotion,age",
        "a.png,Train,calm,3.5",
        "b.png,training,wild,",
        "c.png,VALID,wild,1",
        "d.png,test,,2",
    )
    train, test = options.facts(), options.facts("test")
    assert [options.facts(split).clips for split in ("train", "val", "test")] == [2, 1, 1]
    assert train.classes == {"emotion": ("calm", "wild")}
    assert train.label_facts["emotion"].counts == (1, 1)
    assert (train.label_facts["age"].frames, train.label_facts["age"].highest) == (1, 3.5)
    assert test.label_facts["emotion"].frames == 0
    assert train.identities == 2


def test_images_and_labels_are_read(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (90, 90, 90)).save(tmp_path / "a.png")
    options = table(tmp_path, "path,split,smile,age", "a.png,train,1,", "b.png,train,0,2.5", size=8)
    data = Labelled(options, "train")
    assert isinstance(data, LabelledDataset)
    frames = data.read([0, 1], [0, 0])
    assert frames.images[0].unique().tolist() == [90]
    assert list(frames.unreadable) == [1]
    assert frames.labels["smile"].tolist()[0] == 1
    assert np.isnan(frames.labels["age"][0].item())
    assert data.labels(1)["age"].tolist() == [2.5]


def test_numbers_are_classes_in_their_order(tmp_path: Path) -> None:
    options = table(tmp_path, "path,split,emotion", "a,train,7.0", "b,train,1", "c,train,-1", "d,val,3")
    assert options.facts().classes["emotion"] == ("1", "3", "7")
    assert options.listing("train").labels["emotion"].tolist() == [2, 0, -1]


def test_names_may_be_given_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    lines = ("path,split,emotion", "a,train,1", "b,train,calm", "c,val,0")
    options = table(tmp_path, *lines, labels={"emotion": ["calm", "wild"]})
    assert options.listing("train").labels["emotion"].tolist() == [1, 0]


def test_the_names_of_expressions_have_their_numbers(tmp_path: Path) -> None:
    options = table(tmp_path, "path,split,expression", "a,train,Happy", "b,train,neutral", "c,val,sad")
    assert options.listing("train").labels["expression"].tolist() == [1, 0]


def test_val_is_carved_from_train_where_nobody_is_in_val(tmp_path: Path) -> None:
    rows = [f"{number}.png,train,{number % 2}" for number in range(100)]
    options = table(tmp_path, "path,split,emotion", *rows, "t.png,test,0")
    counts = {split: options.facts(split).clips for split in ("train", "val", "test")}
    assert counts["test"] == 1
    assert 0 < counts["val"] < 30
    assert sum(counts.values()) == 101


def test_parquet(tmp_path: Path) -> None:
    rows = {"path": ["a", "b"], "split": ["train", "test"], "smile": [True, False]}
    parquet.write_table(pa.table(rows), tmp_path / "faces.parquet")
    assert LabelledOptions(table=tmp_path / "faces.parquet").facts().classes["smile"] == ("true", "false")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["path,split,emotion", "a,train,1", "b,tset,1"], ["line 3", "column split", "tset"]),
        (["path,split,emotion", "a,train,1", "a,train,2"], ["line 3", "column emotion", "line 2"]),
        (["name,split", "a,train"], ["no column path"]),
    ],
)
def test_mistakes(tmp_path: Path, lines: list[str], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        table(tmp_path, *lines).facts()
    assert all(word in str(caught.value) for word in words)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="emotoin"):
        table(tmp_path, "path,split,emotion", "a,train,1", labels={"emotoin": "class"}).facts()


def test_path_split_and_label_are_enough_to_evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()
    lines = ["path,split,emotion"]
    for split, count in {"train": 8, "val": 4, "test": 6}.items():
        for number in range(count):
            name, shade = f"{split}{number}.png", 40 + 150 * (number % 2)
            Image.new("RGB", (16, 16), (shade, shade, shade)).save(tmp_path / "faces" / name)
            lines.append(f"{name},{split},{'dark' if number % 2 == 0 else 'light'}")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    (tmp_path / "own.yaml").write_text(RECIPE)
    assert run(["train", "own.yaml", "--out", "run"]) == 0
    result = json.loads((tmp_path / "run/evaluation.json").read_text())["emotion"]
    assert result["frames"] == {"train": 8, "val": 4, "test": 6}
    assert result["accuracy"] == 1
