"""Tables are read in parts: the same clips, the same errors, and little memory for each row."""

from __future__ import annotations

import csv
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from ssltoolbox.api import UserError
from ssltoolbox.data.index import columns as columns_module
from ssltoolbox.data.index import table as table_module
from ssltoolbox.data.index.cells import Table
from ssltoolbox.data.index.table import list_table
from ssltoolbox.support import large_arrays

Row = dict[str, Any]
BYTES_OF_A_ROW = 25
"""Of the names of clips of fifty frames. What there is for each row is in files."""


def rows_of(clips: int, frames: int = 5) -> list[Row]:
    """Rows of clips in natural order."""
    return [
        {
            "path": f"p{clip}/v/{frame}.jpg",
            "identity": f"p{clip // 3}",
            "clip": str(clip),
            "time": frame / 4,
            "mood": "calm" if (clip + frame) % 3 else "wild",
            "age": clip + 0.25,
        }
        for clip in range(clips)
        for frame in range(frames)
    ]


def as_csv(rows: list[Row], file: Path) -> Path:
    with file.open("w", newline="") as content:
        writer = csv.DictWriter(content, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def as_parquet(rows: list[Row], file: Path) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows), file, row_group_size=7)
    return file


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are read in parts of a few rows."""
    monkeypatch.setattr(columns_module, "_AT_ONCE", 3)
    monkeypatch.setattr(columns_module, "_GROUP", 4)
    monkeypatch.setattr(table_module, "_AT_ONCE", 5)
    monkeypatch.setattr(large_arrays, "PART", 6)


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_a_table_in_any_order_read_in_parts(tmp_path: Path, write: Any, in_parts: None) -> None:
    rows = rows_of(12)
    shuffled = random.Random(0).sample(rows, len(rows))
    table = list_table(write([*shuffled, *rows[7:9]], tmp_path / f"t.{write.__name__[3:]}"), tmp_path, 4)
    assert (table.repeated, table.labels) == (2, ["age", "mood"])
    names = table.classes["mood"]
    listed = [
        {
            "path": path,
            "identity": clip.identity,
            "clip": clip.clip,
            "time": time,
            "mood": names[mood],
            "age": age,
        }
        for clip in table.clips
        for path, time, mood, age in zip(
            clip.paths, clip.times, clip.labels["mood"], clip.labels["age"], strict=True
        )
    ]
    assert listed == rows


def test_a_line_is_found_behind_repeated_rows_and_empty_lines(tmp_path: Path) -> None:
    lines = ["path,identity,time", "a,p,0", "", "a,p,0", '"b\nc",p,1', "d,p,x"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"line 7, column time: 'x'"):
        list_table(tmp_path / "t.csv", tmp_path, 4)


def test_a_damaged_column_of_a_parquet_file_is_named(tmp_path: Path) -> None:
    file = as_parquet(rows_of(100), tmp_path / "t.parquet")
    place = parquet.ParquetFile(file).metadata.row_group(0).column(1).dictionary_page_offset
    content = bytearray(file.read_bytes())
    content[place : place + 12] = b"\xff" * 12
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"t\.parquet: column identity: "):
        list_table(file, tmp_path, 4)


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_memory_for_each_row_of_a_table(tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python and pyarrow hold at the peak, of a table and of one that is five times as large."""
    for module in (columns_module, table_module):
        monkeypatch.setattr(module, "_AT_ONCE", 100)
    monkeypatch.setattr(columns_module, "_GROUP", 100)
    monkeypatch.setattr(large_arrays, "PART", 100)
    peaks = []
    for clips in (10, 100, 500):  # modules are imported with the first one
        file = write(rows_of(clips, 50), tmp_path / f"{clips}.{write.__name__[3:]}")
        held = pa.total_allocated_bytes()
        tracemalloc.start()
        table = list_table(file, tmp_path, 4)
        for _ in table.clips:
            held = max(held, pa.total_allocated_bytes())
        peaks.append(held + tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[2] - peaks[1]) / (400 * 50) < BYTES_OF_A_ROW


def test_cells_can_be_read_again_and_again(tmp_path: Path) -> None:
    table = Table.read(as_csv(rows_of(2), tmp_path / "t.csv"))
    assert list(table.texts("clip")) == list(table.texts("clip")) == ["0"] * 5 + ["1"] * 5
    assert len(list(zip(table.texts("path"), table.texts("path"), strict=True))) == len(table) == 10
