"""Images with labels of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from pydantic import ValidationError

from ssltoolbox.api import DataNotFound, LabelledDataset, Split, UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.dataset import LabelledFaces
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


SPLITS = (("train", "ab"), ("val", "ce"), ("test", "dfh"))


def table(folder: Path, *lines: str, **options: object) -> LabelledOptions:
    """A table whose first column has the paths; images that are not there are made, as empty files."""
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    for line in lines[1:]:
        path = folder / line.partition(",")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_relative_to(folder) and not path.exists():
            path.touch()
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
    data = LabelledFaces(options, "train")
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
    assert options.listing("train").labels["emotion"].values.tolist() == [2, 0, -1]


def test_names_may_be_given_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    lines = ("path,split,emotion", "a,train,1", "b,train,calm", "c,val,0")
    options = table(tmp_path, *lines, labels={"emotion": ["calm", "wild"]})
    assert options.listing("train").labels["emotion"].values.tolist() == [1, 0]


def test_the_names_of_expressions_have_their_numbers(tmp_path: Path) -> None:
    options = table(tmp_path, "path,split,expression", "a,train,Happy", "b,train,neutral", "c,val,sad")
    assert options.listing("train").labels["expression"].values.tolist() == [1, 0]


def test_val_is_carved_from_train_where_nobody_is_in_val(tmp_path: Path) -> None:
    rows = [f"{number}.png,train,{number % 2}" for number in range(100)]
    options = table(tmp_path, "path,split,emotion", *rows, "t.png,test,0")
    counts = {split: options.facts(split).clips for split in ("train", "val", "test")}
    assert counts["test"] == 1
    assert 0 < counts["val"] < 30
    assert sum(counts.values()) == 101


def test_labels_come_from_parquet_too(tmp_path: Path) -> None:
    images(tmp_path, "a.png", "b.png")
    rows = {"path": ["a.png", "b.png"], "split": ["train", "test"], "smile": [True, False]}
    parquet.write_table(pa.table(rows), tmp_path / "faces.parquet")
    assert LabelledOptions(table=tmp_path / "faces.parquet").facts().classes["smile"] == ("true", "false")


def labels(options: LabelledOptions, name: str, split: Split = "train") -> list[Any]:
    found: list[Any] = options.listing(split).labels[name].values.tolist()
    return found


def images(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(root / path)
    return root


def test_a_mapping_names_classes_and_joins_them(tmp_path: Path) -> None:
    lines = ("path,split,emotion", "a,train,3", "b,train,7", "c,train,calm", "d,train,9")
    column = LabelColumn(classes={3: "wild", 7: "wild", "calm": "calm"}, missing=["9"])
    options = table(tmp_path, *lines, labels={"emotion": column})
    assert options.facts().classes["emotion"] == ("wild", "calm")
    assert labels(options, "emotion") == [0, 0, 1, -1]


def test_several_binary_columns_are_one_label(tmp_path: Path) -> None:
    lines = ("path,split,AU1,AU12,age", "a,train,1,0,30", "b,train,,yes,31", "c,train,3,-1,32")
    options = table(tmp_path, *lines, labels={"aus": LabelColumn(columns=["AU1", "AU12"], at_least=1)})
    facts = options.facts()
    assert labels(options, "aus") == [[1, 0], [-1, 1], [1, -1]]
    assert facts.labels == {"aus", "age"}
    assert facts.classes["aus"] == ("AU1", "AU12")
    known = facts.label_facts["aus"]
    assert (known.frames, known.counts, known.columns) == (3, (2, 1), 2)
    data = LabelledFaces(options, "train")
    assert data.read([1], [0]).labels["aus"].tolist() == [[-1, 1]]


def test_rows_of_a_clip_are_in_order_of_time(tmp_path: Path) -> None:
    lines = ("path,identity,clip,time,smile", "b,p,c,0.5,1", "x,q,c,0,0", "a,p,c,0.25,0")
    options = table(tmp_path, *lines, val=0, test=0)
    data = LabelledFaces(options, "train")
    assert [len(data.clip(index)) for index in range(len(data))] == [2, 1]
    assert data.clip(0).times.tolist() == [0.25, 0.5]
    assert data.labels(0)["smile"].tolist() == [0, 1]
    assert (options.facts().frames, options.facts().identities, options.facts().longest) == (3, 2, 2)


def test_a_row_may_be_a_folder_of_frames(tmp_path: Path) -> None:
    images(tmp_path, "v/1.png", "v/2.png", "v/4.png", "w/1.png")
    options = table(tmp_path, "path,split,smile", "v,train,1", "w,train,0", fps=10, size=8)
    data = LabelledFaces(options, "train")
    assert (len(data), data.clip(0).name) == (2, "v")
    np.testing.assert_allclose(data.clip(0).times, [0, 0.1, 0.3])
    assert data.read([0, 1], [2, 0]).labels["smile"].tolist() == [1, 0]
    assert not data.read([0, 0, 0, 1], [0, 1, 2, 0]).unreadable


def test_boxes_cut_out_the_face(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20))
    image.paste((255, 0, 0), (10, 5, 20, 15))
    image.save(tmp_path / "a.png")
    lines = ("path,split,left,top,width,height,smile", "a.png,train,10,5,10,10,1", "a.png,train,20,5,10,10,0")
    data = LabelledFaces(table(tmp_path, *lines, size=8), "train")
    found = data.read([0, 1], [0, 0])
    assert found.images.amax(dim=(2, 3)).tolist() == [[255, 0, 0], [0, 0, 0]]
    assert found.labels["smile"].tolist() == [1, 0]


def test_folders_of_splits_and_classes(tmp_path: Path) -> None:
    paths = ("train/sad/a.png", "train/glad/b.png", "Test/sad/c.png", "validation/glad/d.png")
    options = LabelledOptions(root=images(tmp_path, *paths), label="emotion")
    assert options.facts().classes["emotion"] == ("sad", "glad")
    assert options.facts("test").label_facts["emotion"].counts == (1, 0)
    assert [options.facts(split).frames for split in ("train", "val", "test")] == [2, 1, 1]


def test_folders_of_classes_keep_clips_and_people_apart(tmp_path: Path) -> None:
    clips = [f"{name}/p{n % 8}_{n}/{frame}.png" for n in range(40) for name in ("a", "b") for frame in (1, 2)]
    options = LabelledOptions(
        root=images(tmp_path, *clips), pattern="(?P<identity>p[0-9]+)_", val=0.2, test=0.3
    )
    data = {split: LabelledFaces(options, split) for split in ("train", "val", "test")}
    assert sum(map(len, data.values())) == 80
    people = [{each.clip(index).identity for index in range(len(each))} for each in data.values()]
    assert sum(map(len, people)) == len(set.union(*people)) == 8


def test_folds_of_the_data(tmp_path: Path) -> None:
    lines = [f"{n},{n % 3 + 1},{n % 2}" for n in range(12)]
    options = table(tmp_path, "path,fold,smile", *lines, fold="all", val=0)
    folds = options.per_fold()
    assert [each.facts("test").frames for each in folds] == [4, 4, 4]
    tested = [path for each in folds for path in each.listing("test").paths]
    assert sorted(tested) == sorted(map(str, range(12)))
    assert not set(folds[1].listing("train").paths) & set(folds[1].listing("test").paths)


def test_people_are_dealt_to_folds(tmp_path: Path) -> None:
    lines = [f"{n},p{n % 5},{n % 2}" for n in range(20)]
    options = table(tmp_path, "path,identity,smile", *lines, fold="all", folds=5)
    assert [each.facts("test").identities for each in options.per_fold()] == [1] * 5


def test_a_fold_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fold 7"):
        table(tmp_path, "path,fold,smile", "a,1,0", "b,2,1", fold=7).facts()


def test_missing_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    options = table(tmp_path, "path,split,emotion", "a,train,sad", "b,train,", "c,train,nan")
    facts = options.facts()
    assert (facts.frames, facts.label_facts["emotion"].frames) == (3, 1)


@pytest.mark.parametrize(
    "options",
    [{}, {"root": "x", "pattern": "p([0-9])"}, {"root": "x", "pattern": "("}, {"root": "x", "fold": 0}],
)
def test_options_that_do_not_go_together(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LabelledOptions(**options)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["path,clip,split,emotion", "a,x,train,1", "b,x,test,1"], ["line 3", "column split", "'x'"]),
        (["path,clip,time,emotion", "a,x,1,1", "b,x,1,1"], ["line 3", "column time", "line 2"]),
        (["path,fold,emotion", "a,0,1"], ["line 2", "column fold"]),
        (["path,split,emotion", "a,train,1", "b,tset,1"], ["line 3", "column split", "tset"]),
        (["path,split,emotion", "a,train,1", "a,train,2"], ["line 3", "column emotion", "line 2"]),
        (["name,split", "a,train"], ["no column path"]),
    ],
)
def test_mistakes_in_a_table_of_labels_are_named(tmp_path: Path, lines: list[str], words: list[str]) -> None:
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


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder of two classes, one of which is a link to elsewhere."""
    for folder, shade in (("faces/dark", 10), ("elsewhere/light", 200)):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (8, 8), (shade, shade, shade)).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "faces/light").symlink_to(tmp_path / "elsewhere/light")
    return tmp_path / "faces"


def test_links_out_of_the_folder_are_followed_where_wanted(linked: Path) -> None:
    with pytest.raises(UserError, match="follow_links"):
        LabelledOptions(root=linked).facts()
    options = LabelledOptions(root=linked, val=0, test=0, size=8, follow_links=True)
    assert options.facts().label_facts["expression"].counts == (2, 2)
    frames = LabelledFaces(options, "train").read(range(4), [0] * 4)
    assert not frames.unreadable
    assert sorted(frames.images[:, 0, 0, 0].tolist()) == [10, 10, 200, 200]


def test_data_info_follows_links_where_wanted(
    linked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "info", str(linked)]) == 2
    assert "follow_links" in capsys.readouterr().err
    command = ["data", "info", str(linked), "--follow-links", "--json", "-o", str(tmp_path / "sheet.png")]
    assert run(command) == 0
    assert sum(json.loads(capsys.readouterr().out)["labels"]["expression"]["light"].values()) == 2


def test_a_table_without_any_of_its_images_is_missing_data(tmp_path: Path) -> None:
    """Most often its root is wrong."""
    options = table(
        tmp_path, "path,split,smile", "a.png,train,1", "b.png,test,0", root=images(tmp_path / "x", "c.png")
    )
    with pytest.raises(DataNotFound, match="root") as caught:
        options.facts()
    assert "a.png" in str(caught.value)


def test_missing_images_are_a_warning(tmp_path: Path) -> None:
    options = table(tmp_path, "path,split,smile", "a.png,train,1", "b.png,test,0")
    (tmp_path / "b.png").unlink()
    (warning,) = options.facts().warnings
    assert "1 of 2 images" in warning
    assert "b.png" in warning


def test_people_in_several_splits_are_a_warning(tmp_path: Path) -> None:
    lines = ("a.png,train,p,1", "b.png,test,p,0", "c.png,test,q,1")
    (warning,) = table(tmp_path, "path,split,identity,smile", *lines).facts().warnings
    assert warning.startswith("1 person is in more than one split")


def test_more_folds_than_people_are_rejected(tmp_path: Path) -> None:
    lines = ("a.png,p,1", "b.png,q,0")
    options = table(tmp_path, "path,identity,smile", *lines, folds=3, fold="all")
    with pytest.raises(UserError, match="too few people or clips for 3 folds"):
        options.facts()


def test_row_numbers_of_pandas_and_r_are_no_labels(tmp_path: Path) -> None:
    columns = {"path": ["a.png"], "": [1], "Unnamed: 0": [1], "__index_level_0__": [1], "smile": [1]}
    images(tmp_path, "a.png")
    parquet.write_table(pa.table(columns), tmp_path / "faces.parquet")
    assert LabelledOptions(table=tmp_path / "faces.parquet").facts().labels == {"smile"}


@pytest.mark.parametrize("cell", ["NA", "N/A", "#N/A", "<NA>", "NaN", "None"])
def test_what_r_excel_and_pandas_write_for_no_value_is_no_label(tmp_path: Path, cell: str) -> None:
    lines = (f"a.png,train,{cell},{cell},{cell}", "b.png,train,happy,0.5,0.5")
    options = table(tmp_path, "path,split,expression,valence,age", *lines)
    assert {name: facts.frames for name, facts in options.facts().label_facts.items()} == {
        "expression": 1,
        "valence": 1,
        "age": 1,
    }


def test_copies_in_val_and_test_are_left_out_where_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same bytes; train keeps its own copies, and two faces of one image are no copies."""
    first, second = (Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in (10, 20))
    for name in ("a.png", "b.png", "c.png", "d.png"):
        first.save(tmp_path / name)
    for name in ("e.png", "f.png", "g.png"):
        second.save(tmp_path / name)
    lines = [f"{name}.png,{split},{name in 'ace'}" for split, names in SPLITS for name in names]
    splits: tuple[Split, ...] = ("train", "val", "test")
    kept = table(tmp_path, "path,split,smile", *lines)
    assert [kept.facts(split).frames for split in splits] == [2, 2, 3]
    options = table(tmp_path, "path,split,smile", *lines, repeated="leave_out")
    assert [options.facts(split).frames for split in splits] == [2, 1, 1]
    assert options.facts().left_out == {"repeated image": 3}
    assert LabelledFaces(options, "test").clip(0).name == "h.png"
    assert run(["data", "info", str(tmp_path / "faces.csv"), "--copies", "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)["splits"]
    assert [counted[split]["copies"] for split in splits] == [0, 1, 2]
    boxes = ("path,split,left,top,width,height,smile", "a.png,train,0,0,8,8,1", "b.png,test,8,0,8,8,0")
    assert table(tmp_path, *boxes, repeated="leave_out").facts("test").frames == 1


def test_a_split_of_copies_only_is_rejected(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    options = table(tmp_path, "path,split,smile", "a.png,train,1", "b.png,test,1", repeated="leave_out")
    with pytest.raises(UserError, match="test split"):
        options.facts("test")


def test_info_says_what_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path, "path,split,smile", "a.png,train,1", "a.png,train,1", "b.png,train,0")
    (tmp_path / "b.png").unlink()
    assert run(["data", "info", str(tmp_path / "faces.csv")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "not used: 1 repeated row" in printed
    assert "1 of 2 images that were looked for is missing" in printed


def test_check_warns_about_the_data_of_a_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{split}{n}.png,{split},{n % 2}" for split in ("train", "val", "test") for n in range(2)]
    images(tmp_path / "faces", *(row.partition(",")[0] for row in rows))
    table(tmp_path, "path,split,emotion", *rows)
    (tmp_path / "faces" / "test0.png").unlink()
    (tmp_path / "own.yaml").write_text(RECIPE)
    assert run(["check", str(tmp_path / "own.yaml")]) == 0
    assert "warning: " in (printed := capsys.readouterr().err)
    assert "1 of 6 images" in printed
