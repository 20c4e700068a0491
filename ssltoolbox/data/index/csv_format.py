"""How a CSV file is written: its encoding and what separates its cells. One answer for every reader."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection
from pathlib import Path

READ = "CSV with commas, semicolons or tabs is read, in UTF-8 or UTF-16"
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_DELIMITERS = (",", ";", "\t")


def encoding_of(file: Path) -> str:
    """The codec, which takes the byte order mark away: UTF-16 where the file begins with one, else UTF-8."""
    return "utf-16" if utf_16_of(file) else "utf-8-sig"


def utf_16_of(file: Path) -> str:
    """The codec of a file in UTF-16 behind its byte order mark; empty for others."""
    with file.open("rb") as content:
        return _UTF_16.get(content.read(2), "")


def delimiter_of(header: str, columns: Collection[str]) -> str:
    """What separates the names of the columns: that with which one of those known is found; else a comma."""
    known = {name.lower() for name in columns}
    return next((each for each in _DELIMITERS if known & set(cells(header.lower(), each))), ",")


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line, without the spaces around them."""
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
