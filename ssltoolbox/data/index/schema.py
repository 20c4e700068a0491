"""The files of an index and their columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ssltoolbox.api import DataNotFound, UserError, is_url
from ssltoolbox.api.errors import first_line
from ssltoolbox.support.files import replaced
from ssltoolbox.support.paths import refuse_no_utf8
from ssltoolbox.support.remote import RemoteCache, RemoteFolder

HEADER, SKIPPED, LANDMARKS_SKIPPED = "index.json", "skipped.csv", "landmarks_skipped.csv"
CLIPS_FILE, FRAMES_FILE, LANDMARKS_FILE, IMAGES_FILE = (
    "clips.arrow",
    "frames.arrow",
    "landmarks.arrow",
    "images.bin",
)
POINTS = 68

CLIPS = pa.schema(
    [
        ("identity", pa.large_string()),
        ("video", pa.large_string()),
        ("clip", pa.large_string()),
        ("start", pa.int64()),
        ("frames", pa.int32()),
    ]
)
FRAMES = pa.schema(
    [
        ("path", pa.large_string()),
        ("frame", pa.int64()),
        ("time", pa.float64()),
        ("height", pa.int32()),
        ("width", pa.int32()),
    ]
)
LABELS = {"expression": pa.int64(), "valence": pa.float32(), "arousal": pa.float32()}
"""Columns that frames.arrow may have. Expressions are numbers of `EXPRESSIONS`, -1 for none; no value is NaN."""
OTHER_LABELS = "label:"
"""What the names of columns begin with that hold labels of one's own: int64 classes with -1 for none, float32
numbers with NaN for none, or lists of int64, 1 for yes, 0 for no and -1 for unknown. `index.json` names their
classes."""
SPLIT = "split"
"""A column that clips.arrow may have: train, val or test."""
BYTE_RANGE = {"offset": pa.int64(), "length": pa.int32()}
"""Columns of a packed index, or of one of tar files: where the frame's bytes are in images.bin or its tar file."""
TAR = "tar"
"""A column of an index of tar files: the number of the frame's tar file in `Header.tars`, int32."""
LANDMARKS = pa.schema([("landmarks", pa.list_(pa.float32(), 2 * POINTS)), ("valid", pa.bool_())])
"""A row's numbers are x₁ y₁ x₂ y₂ …; NaN throughout where `valid` is false."""


def is_index(path: Path) -> bool:
    """Whether a path is an index of frames."""
    return (path / HEADER).is_file()


def column_of(label: str) -> str:
    """The column of frames.arrow that holds a label."""
    return label if label in LABELS else OTHER_LABELS + label


def label_of(column: str) -> str | None:
    """The label that a column of frames.arrow holds; None for none."""
    if column in LABELS:
        return column
    return column.removeprefix(OTHER_LABELS) if column.startswith(OTHER_LABELS) else None


class Packing(BaseModel):
    """How a packed index keeps its images.

    Attributes:
        size: height and width.
        encoding: `raw`, [3, size, size] uint8 RGB, or `jpeg`, whole JPEG files.
        quality: of the JPEGs; None for `raw`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    size: int = Field(ge=8, le=1024)
    encoding: Literal["raw", "jpeg"]
    quality: int | None = None


class Header(BaseModel):
    """`index.json`.

    Attributes:
        version: of this format.
        root: the folder that paths are below: absolute, or relative to the folder that the index lies in, so
            that an index beside its frames can be moved with them; or the URL of a folder on remote storage.
        fps: frames per second where frames are numbered without gaps.
        packed: None for an index of image files.
        links: `followed` if links may lead out of the root; None if they may not.
        classes: label → the names of its classes or columns; None where they have no names.
        tars: path of a tar file below the root → its bytes, where frames are in tar files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Literal[1] = 1
    root: str
    fps: float = Field(gt=0)
    packed: Packing | None = None
    links: Literal["followed"] | None = None
    classes: dict[str, list[str]] | None = None
    tars: dict[str, int] | None = None

    @classmethod
    def read(cls, index: Path) -> Header:
        """
        Raises:
            DataNotFound: where there is no such index.
            UserError: where it is none, of another version, or named in bytes that are not UTF-8.
        """
        path = index / HEADER
        refuse_no_utf8(index)
        if not index.exists():
            raise DataNotFound(f"{index}: there is no such index", "make it with: ssltoolbox data index")
        if not path.is_file():
            raise UserError(
                f"{index}: this is not an index, {HEADER} is missing", "see: ssltoolbox data index"
            )
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            message = f"{path}: {where}: {problem['msg']}" if where else f"{path}: {problem['msg']}"
            raise UserError(message, "make the index again") from error
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from error

    def write(self, index: Path) -> None:
        """
        Raises:
            SslToolboxError: when it can't be written.
        """
        with replaced(index / HEADER) as path:
            path.write_text(self.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")


def root_for(frames: Path | RemoteFolder, index: Path | RemoteFolder) -> str:
    """How the header of an index names the root of its frames: see `Header.root`.

    Raises:
        UserError: where the one or the other is named in bytes that are not UTF-8.
    """
    if isinstance(frames, RemoteFolder):
        home_url = f"{index.url.rpartition('/')[0]}/" if isinstance(index, RemoteFolder) else ""
        return frames.url.removeprefix(home_url) if home_url else frames.url
    frames = frames.absolute().resolve()
    refuse_no_utf8(frames)
    if isinstance(index, RemoteFolder):
        return str(frames)
    refuse_no_utf8(index)
    home = index.absolute().parent.resolve()
    return str(frames.relative_to(home)) if frames.is_relative_to(home) else str(frames)


def root_of(
    header: Header, index: Path, remote: RemoteFolder | None, cache: RemoteCache
) -> Path | RemoteFolder:
    """The root of an index's frames.

    Args:
        header: of the index.
        index: its folder on this machine.
        remote: its folder on remote storage, if it is there.
        cache: for a root on remote storage.

    Raises:
        UserError: where the header leads up through `..`, which this package never writes.
    """
    if is_url(header.root):
        return cache.folder(header.root)
    if ".." in Path(header.root).parts:
        raise UserError(
            f"{index / HEADER}: root: '..' is not allowed in {header.root!r}", "use an absolute path"
        )
    if remote and not Path(header.root).is_absolute():
        return cache.folder(f"{remote.url.rpartition('/')[0]}/{header.root}")
    return index.absolute().parent / header.root


def write_table(path: Path, table: pa.Table) -> None:
    """Writes a table whole, in one batch: equal tables give equal bytes.

    Raises:
        SslToolboxError: when it can't be written.
    """
    write_batches(path, table.schema, iter(table.combine_chunks().to_batches()))


def write_batches(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    """Writes record batches as they come; the file appears when all are there.

    Raises:
        SslToolboxError: when it can't be written.
    """
    with replaced(path) as part, pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for batch in batches:
            writer.write(batch)


def map_table(path: Path, required: pa.Schema) -> pa.Table:
    """The table in a file, memory-mapped: its columns are views of the file.

    Raises:
        UserError: where the file is missing, damaged, or lacks a column.
    """
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate(full=True)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: {first_line(error)}", "make the index again") from error
    for field in required:
        if field.name not in table.schema.names or table.schema.field(field.name).type != field.type:
            raise UserError(
                f"{path}: a column {field.name} of type {field.type} is expected", "make the index again"
            )
    return table.combine_chunks()  # copies nothing where there is one batch, as `write_table` writes
