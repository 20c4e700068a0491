"""A CSV or Parquet file that names frames, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers.golden import Golden
from pyarrow import parquet

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.listing import ListedClip
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing
from ssltoolbox.data.index.table import list_table
from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.support.paths import NOT_SUPPORTED

Put = Callable[..., Path]


def listed(tmp_path: Path, *lines: str, fps: float = 10) -> list[ListedClip]:
    file = tmp_path / "faces.csv"
    file.write_text("\n".join(lines) + "\n")
    return list(list_table(file, tmp_path, fps).clips)


def named(clips: list[ListedClip]) -> list[tuple[str, list[str]]]:
    return [(f"{clip.identity}/{clip.video}/{clip.clip}", list(clip.paths)) for clip in clips]


def test_rows_become_clips_in_natural_order(tmp_path: Path) -> None:
    clips = listed(
        tmp_path,
        "identity,video,clip,time,path",
        "id10,v,1,0.5,b.jpg",
        "id2,v,10,0.0,c.jpg",
        "id2,v,9,0.0,d.jpg",
        "id10,v,1,0.25,a.jpg",
    )
    assert named(clips) == [("id2/v/9", ["d.jpg"]), ("id2/v/10", ["c.jpg"]), ("id10/v/1", ["a.jpg", "b.jpg"])]
    assert clips[2].times.tolist() == [0.25, 0.5]


def test_frame_numbers_give_order_and_times(tmp_path: Path) -> None:
    (clip,) = listed(tmp_path, "path,identity,frame", "c.jpg,a,50", "a.jpg,a,25", "b.jpg,a,100")
    assert clip.paths == ["a.jpg", "c.jpg", "b.jpg"]
    assert clip.numbers.tolist() == [25, 50, 100]
    np.testing.assert_allclose(clip.times, [0, 0.1, 0.3])


def test_names_give_what_the_columns_do_not(tmp_path: Path) -> None:
    clips = listed(tmp_path, "path,identity", "x/10.jpg,a", "x/9.jpg,a", "y/1.jpg,a")
    assert named(clips) == [("a//x", ["x/9.jpg", "x/10.jpg"]), ("a//y", ["y/1.jpg"])]
    assert clips[0].numbers.tolist() == [9, 10]


def test_labels_of_a_table_are_parsed(tmp_path: Path) -> None:
    (clip,) = listed(
        tmp_path,
        "path,identity,frame,expression,valence,arousal",
        "a.jpg,a,1,Happy,0.5,",
        "b.jpg,a,2,7,-1,nan",
        "c.jpg,a,3,,,1",
    )
    assert clip.labels["expression"].tolist() == [1, 7, -1]
    np.testing.assert_array_equal(clip.labels["valence"], np.float32([0.5, -1, np.nan]))
    np.testing.assert_array_equal(clip.labels["arousal"], np.float32([np.nan, np.nan, 1]))


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    table = pa.table(
        {"path": ["b.jpg", "a.jpg"], "identity": [7, 7], "time": [0.5, 0.25], "arousal": [1.0, None]}
    )
    parquet.write_table(table, tmp_path / "faces.parquet")
    (clip,) = list_table(tmp_path / "faces.parquet", tmp_path, 10).clips
    assert (clip.identity, clip.paths, clip.times.tolist()) == ("7", ["a.jpg", "b.jpg"], [0.25, 0.5])
    np.testing.assert_array_equal(clip.labels["arousal"], np.float32([np.nan, 1]))


def test_unknown_columns_of_a_table_are_listed_as_unused(tmp_path: Path) -> None:
    file = tmp_path / "faces.csv"
    file.write_text("path,identity,remark\n" + "".join(f"{n}.jpg,a,remark {n}\n" for n in range(300)))
    assert list_table(file, tmp_path, 10).unused == ["remark"]


def test_labels_of_ones_own_and_splits(tmp_path: Path, put_image: Put) -> None:
    for name in "abc":
        put_image(tmp_path / f"{name}.png")
    rows = ("a.png,p,train,calm,31.5,1,0", "b.png,p,train,,30,,1", "c.png,q,test,wild,,0,0")
    file = tmp_path / "faces.csv"
    file.write_text("\n".join(("path,identity,split,emotion,age,au1,au2", *rows)))
    table = list_table(file, tmp_path, 10, {"aus": LabelColumn(columns=["au1", "au2"])})
    assert table.unused == []
    output = tmp_path / "x.index"
    build_index(table, output, workers=1, tick=lambda n: None)
    index = FrameIndex(output)
    assert index.classes == {"emotion": ("calm", "wild"), "aus": ("au1", "au2")}
    assert index.labels["emotion"].tolist() == [0, -1, 1]
    assert index.labels["aus"].tolist() == [[1, 0], [-1, 1], [0, 0]]
    np.testing.assert_array_equal(index.labels["age"], np.float32([31.5, 30, np.nan]))
    options = FramesOptions(index=output, size=16, val=0)
    assert [options.facts(split).frames for split in ("train", "test")] == [2, 1]
    assert options.facts().label_facts["emotion"].counts == (1, 0)
    read = FramesDataset(options, "train").read([0, 0], [0, 1])
    assert read.labels["aus"].tolist() == [[1, 0], [-1, 1]]
    pack_index(index, Packing(size=8, encoding="raw"), tmp_path / "p", workers=1, tick=lambda n: None)
    packed = FrameIndex(tmp_path / "p")
    assert packed.classes == index.classes
    assert packed.splits.tolist() == index.splits.tolist() == ["train", "test"]


def test_a_clip_is_in_one_split(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="line 3, column split"):
        listed(tmp_path, "path,identity,clip,split,time", "a,p,c,train,0", "b,p,c,test,1")


def test_paths_become_relative_to_the_root(tmp_path: Path) -> None:
    (clip,) = listed(tmp_path, "path,identity,clip,frame", f"{tmp_path}/x/a.jpg,a,c,1", "x/../b.jpg,a,c,2")
    assert clip.paths == ["x/a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    "lines",
    [
        ["path,person", "a.jpg,a"],
        ["path,identity,path", "a,b,c"],
        ["path,identity"],
        ["path,identity", "a.jpg,a", "b.jpg"],
        ["path,identity,time", "a,a,0", "b,a,x"],
        ["path,identity,time", "a,a,0", "", "b,a,"],
        ["path,identity,time", "a,a,inf"],
        ["path,identity,frame", "a,a,1.5"],
        ["path,identity,valence", "a,a,high"],
        ["path,identity,expression", "a,a,8"],
        ["path,identity,clip,time", "a,a,c,1", "b,a,c,2", "c,a,c,1"],
        ["path,identity,clip,frame", "a,a,c,7", "b,a,c,7"],
        ["path,identity", "../a.jpg,a"],
        ["path,identity", "/etc/a.jpg,a"],
        ["path,identity", ",a"],
    ],
)
def test_mistakes_in_a_table_name_row_and_column(tmp_path: Path, lines: list[str], golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        listed(tmp_path, *lines)
    golden(str(caught.value))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_other_encodings_and_separators(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "path,identity,valence\na.jpg,Zoë,0.5\n".replace(",", delimiter)
    (tmp_path / "faces.csv").write_text(text, encoding=encoding)
    (clip,) = list_table(tmp_path / "faces.csv", tmp_path, 10).clips
    assert (clip.identity, clip.labels["valence"].tolist()) == ("Zoë", [0.5])


def test_whole_numbers_may_be_written_as_fractions(tmp_path: Path) -> None:
    """As pandas writes whole numbers of which some are missing."""
    (clip,) = listed(tmp_path, "path,identity,frame,expression", "a.jpg,a,1.0,1.0", "b.jpg,a,2.0,nan")
    assert clip.numbers.tolist() == [1, 2]
    assert clip.labels["expression"].tolist() == [1, -1]


def test_a_fraction_in_parquet_is_no_frame_number(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"path": ["a"], "identity": ["a"], "frame": [1.5]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="column frame"):
        list_table(tmp_path / "a.parquet", tmp_path, 10)


def test_repeated_rows_are_counted(tmp_path: Path) -> None:
    (tmp_path / "faces.csv").write_text("path,identity,valence\na.jpg,a,1\nb.jpg,a,0\na.jpg,a,1\n")
    table = list_table(tmp_path / "faces.csv", tmp_path, 10)
    assert table.repeated == 1
    assert [path for clip in table.clips for path in clip.paths] == ["a.jpg", "b.jpg"]


def test_absolute_paths_below_a_relative_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces.csv").write_text(f"path,identity\n{tmp_path}/x/a.jpg,a\n")
    (clip,) = list_table(Path("faces.csv"), Path("x"), 10).clips
    assert clip.paths == ["a.jpg"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["path,identity", "a.jpg,a", "b.jpg,"], ["line 3", "column identity"]),
        (["path,identity,valence", "a.jpg,a,1", "a.jpg,a,0"], ["line 3", "column valence", "line 2"]),
        (["path,identity,valence", "a.jpg,a,-2"], ["line 2", "column valence", "-2"]),
    ],
)
def test_rows_that_are_refused(tmp_path: Path, lines: list[str], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        listed(tmp_path, *lines)
    assert all(word in str(caught.value) for word in words)


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=r"gone\.csv"):
        list_table(tmp_path / "gone.csv", tmp_path, 10)
    for name, content in {"a.csv": b"path,identity\n\xff,a\n", "a.parquet": b"PAR"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=name):
            list_table(tmp_path / name, tmp_path, 10)


def test_links_out_of_the_root_are_not_followed(tmp_path: Path, put_image: Put) -> None:
    secret = put_image(tmp_path / "secret.png")
    root = put_image(tmp_path / "faces/a.png").parent
    (root / "b.png").symlink_to(secret)
    (tmp_path / "faces.csv").write_text("path,identity\na.png,a\nb.png,a\n")
    listing = list_table(tmp_path / "faces.csv", root, 10)
    output = tmp_path / "x.index"
    built = build_index(listing, output, workers=1, tick=lambda done: None)
    [(path, reason)] = built.skipped
    assert path == "b.png"
    assert str(root) in reason
    assert len(FrameIndex(output)) == 1


@pytest.mark.parametrize("url", ["https://faces.org/a.jpg", "s3://bucket/a.jpg"])
def test_a_url_is_no_path(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=NOT_SUPPORTED) as caught:
        listed(tmp_path, "path,identity", "a.jpg,a", f"{url},a")
    assert "line 3, column path" in str(caught.value)
    assert url in str(caught.value)


def test_spaces_around_cells_mean_nothing(tmp_path: Path) -> None:
    clips = listed(tmp_path, "path , identity", "x/a.jpg , p ", "x/b.jpg,p", " x/c.jpg, p")
    assert named(clips) == [("p//x", ["x/a.jpg", "x/b.jpg", "x/c.jpg"])]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        ("path,identity\na.jpg,p\n".encode("utf-16-le"), "UTF-16"),
        (b"path,identity\na.jpg,p\0\n", "line 2"),
    ],
)
def test_what_is_no_text_with_columns(tmp_path: Path, content: bytes, word: str) -> None:
    file = tmp_path / "faces.csv"
    file.write_bytes(content)
    with pytest.raises(UserError, match=word):
        list_table(file, tmp_path, 10)


def test_known_columns_may_be_written_in_capitals(tmp_path: Path) -> None:
    (clip,) = listed(tmp_path, "Path;Identity;SPLIT;Frame", "a.jpg;p;train;1", "b.jpg;p;train;2")
    assert (clip.identity, clip.split, clip.numbers.tolist()) == ("p", "train", [1, 2])


def test_paths_may_be_those_of_windows(tmp_path: Path) -> None:
    clips = listed(tmp_path, "path,identity", r"x\a.jpg,p", r".\y\b.jpg,p")
    assert named(clips) == [("p//x", ["x/a.jpg"]), ("p//y", ["y/b.jpg"])]


def test_one_image_written_in_two_ways_is_one_image(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of the same image"):
        listed(tmp_path, "path,identity,valence", "x/a.jpg,p,0.5", r"./x\a.jpg,p,0.25")


def test_tsv_is_read_and_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "faces.tsv").write_text("path\tidentity\na.jpg\tp\n")
    assert named(list(list_table(tmp_path / "faces.tsv", tmp_path, 10).clips)) == [("p//", ["a.jpg"])]
    (tmp_path / "faces.xlsx").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"\.csv, \.parquet or \.tsv"):
        list_table(tmp_path / "faces.xlsx", tmp_path, 10)
