"""Rows by where their line begins are the rows that whole columns have."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import Golden
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssltoolbox.api import UserError
from ssltoolbox.data.labelled import csv_rows
from ssltoolbox.data.labelled.csv_rows import CsvRows

cells = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"'), min_size=1
)


def written(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text.encode())
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    last=st.booleans(),
    chunk=st.integers(1, 40),
)
def test_columns_and_rows_agree(tmp_path: Path, rows: list, end: str, last: bool, chunk: int) -> None:
    lines = ["a, b,c", *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    table = CsvRows(written(tmp_path, end.join(lines) + end * last), ["a", "b", "c"])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(csv_rows, "_CHUNK", chunk)
        starts = table.line_starts(len(rows))
    columns = table.columns("a", "b", "c")
    assert list(zip(*columns, strict=True)) == rows
    assert [tuple(table.row(int(start)).values()) for start in starts] == rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b,c\n1,2\n",
        "a,b\n1,2\n3\n",
        'a,b\n1,"x\ny"\n2,z\n',
    ],
)
def test_a_damaged_csv_file_is_an_error_with_its_path(tmp_path: Path, text: str, golden: Golden) -> None:
    path = written(tmp_path, text)

    def starts() -> np.ndarray:
        table = CsvRows(path, ["a"])
        return table.line_starts(len(table.columns("a")[0]))

    with pytest.raises(UserError) as caught:
        starts()
    golden(str(caught.value))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_file_may_have_any_encoding_and_separator(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    """As for every other table. In UTF-16 the letters here have the byte of a line's end in them."""
    rows = [["a", "b"], ["1", "Ċਊ x"], ["2", "y"], ["3", "zਊ"]]
    text = end.join(delimiter.join(row) for row in rows) + end
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    path = tmp_path / "table.csv"
    path.write_bytes(mark + text.encode(encoding))
    table = CsvRows(path, ["a", "b"])
    numbers, words = table.columns("a", "b")
    assert numbers.tolist() == ["1", "2", "3"]
    assert words.tolist() == ["Ċਊ x", "y", "zਊ"]
    assert [table.row(int(start)) for start in table.line_starts(3)] == [
        {"a": a, "b": b} for a, b in rows[1:]
    ]
