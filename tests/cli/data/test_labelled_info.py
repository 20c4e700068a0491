"""`ssltoolbox data info` of tables and folders of labelled images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.recipes import write_recipe
from PIL import Image

from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.labelled.overview import overview_of
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of two splits and two classes, and a table of the same images."""
    monkeypatch.chdir(tmp_path)
    rows = ["path,split,identity,emotion,au1,au2"]
    for split, count in (("train", 3), ("val", 1), ("test", 2)):
        for name, shade in (("dark", 20), ("light", 220)):
            for n in range(count):
                path = tmp_path / "faces" / split / name / f"{n}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (16, 16), (shade, shade, shade)).save(path)
                rows.append(f"faces/{split}/{name}/{n}.png,{split},p{n},{name if n else ''},{n % 2},1")
    (tmp_path / "faces.csv").write_text("\n".join(rows))
    return tmp_path


def test_folders_are_counted_by_split_and_class(faces: Path, capsys: Capture) -> None:
    assert run(["data", "info", "faces", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["splits"]["train"] == {"images": 6, "clips": 6, "identities": 6}
    assert found["labels"]["expression"]["light"] == {"train": 3, "val": 1, "test": 2}


def test_a_table_is_counted_with_what_has_no_label(faces: Path, capsys: Capture) -> None:
    labels = "{emotion: [light, dark], aus: {columns: [au1, au2]}}"
    assert run(["data", "info", "faces.csv", "--labels", labels, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["splits"]["test"]["identities"] == 2
    assert list(found["labels"]["emotion"]) == ["light", "dark", "(none)"]
    assert found["labels"]["emotion"]["(none)"] == {"train": 2, "val": 2, "test": 2}
    assert found["labels"]["aus"]["au2"]["train"] == 6


def test_copies_are_counted_where_wanted(faces: Path, capsys: Capture) -> None:
    """Also where a split has nothing else."""
    for data in ("faces", "faces.csv"):
        assert run(["data", "info", data, "--copies", "--json"]) == 0
        splits = json.loads(capsys.readouterr().out)["splits"]
        assert {split: counts["copies"] for split, counts in splits.items()} == {
            "train": 0,
            "val": 2,
            "test": 4,
        }


def test_copies_are_not_counted_in_other_data(tmp_path: Path) -> None:
    assert run(["data", "info", str(tmp_path), "--copies"]) == 2
    with pytest.raises(UserError, match="copies"):
        overview_of(SyntheticFacesOptions(), copies=True)


def test_the_table_is_readable(faces: Path, capsys: Capture) -> None:
    assert run(["data", "info", "faces.csv"]) == 0
    shown = capsys.readouterr().out.split()
    assert {"images", "identities", "train", "dark", "emotion"} <= set(shown)


def test_a_sheet_has_a_line_for_each_class(faces: Path) -> None:
    assert run(["data", "info", "faces.csv", "-o", "sheet.png", "--label", "emotion"]) == 0
    with Image.open(faces / "sheet.png") as sheet:
        dark, light = (sheet.getpixel((60, 22 + 56 + line * 134)) for line in (0, 1))
    assert (dark, light) == ((20, 20, 20), (220, 220, 220))


def test_a_label_that_is_not_there(faces: Path, capsys: Capture) -> None:
    assert run(["data", "info", "faces.csv", "-o", "sheet.png", "--label", "mood"]) == 2
    assert "emotion" in capsys.readouterr().err


def test_an_index_is_counted_by_class(faces: Path, capsys: Capture) -> None:
    assert run(["data", "index", "faces.csv", "-o", "x.index"]) == 0
    assert run(["data", "info", "x.index", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert found["classes"]["emotion"] == {"dark": 3, "light": 3}
    assert sum(found["splits"].values()) == found["clips"]


def test_numbers_in_several_columns_have_no_classes(faces: Path, capsys: Capture) -> None:
    labels = ["--labels", "{gaze: {columns: [au1, au2], kind: number}}"]
    assert run(["data", "info", "faces.csv", *labels, "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["labels"]["gaze"]
    assert counts == {
        "known": {"train": 6, "val": 2, "test": 4},
        "(none)": {"train": 0, "val": 0, "test": 0},
    }
    assert run(["data", "index", "faces.csv", "-o", "x.index", *labels]) == 0
    assert run(["data", "info", "x.index", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert found["labels"]["gaze"] == 12
    assert "gaze" not in found["classes"]


def write_fer2013(folder: Path) -> None:
    """FER2013 as a table: two angry faces and a neutral one in each split."""
    rows = [
        f"{emotion},{' '.join(['7'] * 48 * 48)},{usage}"
        for usage in ("Training", "PublicTest", "PrivateTest")
        for emotion in (0, 0, 6)
    ]
    folder.mkdir()
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))


def test_a_published_set_is_counted_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    write_fer2013(tmp_path / "fer")
    assert run(["data", "info", "fer", "--dataset", "fer2013", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["splits"]["val"] == {"images": 3, "clips": 3, "identities": 3}
    assert found["labels"]["expression"]["anger"] == {"train": 2, "val": 2, "test": 2}
    assert "contempt" not in found["labels"]["expression"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--dataset", "fer2031"], "fer2013"),
        (["--dataset", "synthetic_faces"], "root"),
        (["--dataset", "fer2013"], "there is no such folder"),
        (["--dataset", "fer2013", "-o", "x.png"], "--output"),
    ],
)
def test_a_dataset_that_can_not_be_counted(
    arguments: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["data", "info", "fer", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_check_counts_the_labels_of_a_published_set(tmp_path: Path, capsys: Capture) -> None:
    write_fer2013(tmp_path / "fer")
    recipe = write_recipe(tmp_path, data="{name: fer2013, root: fer}", method="none", evaluate="[expression]")
    assert run(["check", str(recipe)]) == 0
    printed = capsys.readouterr()
    said = " ".join(printed.out.split())
    assert "expression of 3 frames: neutral 1, happy 0," in said
    assert "anger 2" in said
