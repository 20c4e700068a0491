"""The base of published sets: a set defines where its lists are, and how a line gives path, person and labels."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.index.csv_format import encoding_of
from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.base import LabelledImagesOptions
from ssltoolbox.support.paths import printable

if TYPE_CHECKING:
    from ssltoolbox.data.labelled.images import LabelledImages

Row = dict[str, str]
"""An image or a folder of frames: its `path` below the root, its labels, and where known `split`, `identity`,
`clip`, `frame`, `fold` and the box of the face."""


@dataclass(frozen=True)
class Form:
    """One layout of a set on disk.

    Attributes:
        needed: globs below the root, each of which must match a file or folder.
        rows: a function of the root and the options that yields the rows.
    """

    needed: tuple[str, ...]
    rows: Callable[[Path, Any], Iterator[Row]]

    def lies_in(self, root: Path) -> bool:
        """Whether a folder has this layout."""
        return all(next(root.glob(pattern), None) for pattern in self.needed)


class PublishedOptions(LabelledImagesOptions):
    """Options of a published set."""

    forms: ClassVar[tuple[Form, ...]]
    """The layouts of the set; the first that fits is used."""
    labels: ClassVar[Mapping[str, LabelColumn]]
    inner: ClassVar[tuple[str, ...]] = ()
    """Folders in the root that may hold the set in place of the root itself."""

    root: Path = Field(strict=False)
    """The folder that holds the set."""

    def list_images(self) -> LabelledImages:
        """
        Raises:
            DataNotFound: if the root has no layout of the set: the files that are expected.
            UserError: if a list can't be read, or no listed image exists.
        """
        from ssltoolbox.data.index.cells import Table
        from ssltoolbox.data.labelled.gather import gather

        root, form = self._form()
        rows = list(form.rows(root, self))
        there = [row for row in rows if _is_there(root, row["path"])]
        if not there:
            raise UserError(
                f"{printable(root)}: none of {len(rows)} listed clips and images is there", self._expected()
            )
        names = dict.fromkeys(name for row in there for name in row)
        table = Table(root, {name: [row.get(name, "") for row in there] for name in names})
        lost = len(rows) - len(there)
        found = gather(table, root, self._labels_in(table.names), fps=self.fps, guess=False)
        return found.with_left_out({"empty listed clip": lost} if lost else {})

    def _form(self) -> tuple[Path, Form]:
        for root in (self.root, *(self.root / name for name in self.inner)):
            for form in self.forms:
                if root.is_dir() and form.lies_in(root):
                    return root, form
        reason = "this set is not here" if self.root.is_dir() else "there is no such folder"
        raise DataNotFound(f"{printable(self.root)}: {reason}", self._expected())

    def _labels_in(self, names: list[str]) -> dict[str, LabelColumn]:
        """The labels whose columns are among these names."""
        return {name: what for name, what in self.labels.items() if set(what.columns or [name]) <= set(names)}

    def _expected(self) -> str:
        text = type(self).model_fields["root"].description or ""
        return "expected: " + " ".join(text.split())


def terms_of(title: str) -> str:
    """A notice for users of a set that may be used for research, and may not be passed on."""
    return f"The terms of {title} allow research only, and forbid passing the images on."


def _is_there(root: Path, path: str) -> bool:
    """Whether a listed folder of frames exists. True for any image: a missing one is noticed when it is read."""
    return bool(re.search(r"\.\w{3,4}$", path)) or (root / path).is_dir()


def lines(file: Path, pattern: str, *, header: bool = False) -> Iterator[dict[str, str]]:
    """The groups of a pattern in each line of a list.

    Args:
        file: the list.
        pattern: a regular expression that matches a whole line.
        header: whether the first line may be a header.

    Raises:
        UserError: for a line that does not match: its number and text.
    """
    expression = re.compile(pattern)
    with file.open(encoding=encoding_of(file), errors="replace") as content:
        for number, line in enumerate(content, start=1):
            match = expression.fullmatch(line.strip())
            if match:
                yield match.groupdict()
            elif line.strip() and not (header and number == 1):
                raise UserError(
                    f"{printable(file)}:{number}: {line.strip()!r:.80} is not a line of this list"
                )


def cells(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row of a CSV file, without empty rows."""
    with file.open(encoding=encoding_of(file), errors="replace", newline="") as content:
        reader = csv.reader(content)
        for row in reader:
            if row:
                yield reader.line_num, row


@contextmanager
def line_of(file: Path, number: int) -> Iterator[None]:
    """Turns a ValueError about the cells of a line into an error that names the line.

    Raises:
        UserError: if the block raises ValueError.
    """
    try:
        yield
    except ValueError as error:
        raise UserError(f"{printable(file)}:{number}: this is not a line of this list") from error


def files(root: Path, glob: str, pattern: str) -> Iterator[dict[str, str]]:
    """Path and the groups of a pattern, for each file that matches the glob and whose path matches the pattern."""
    expression = re.compile(pattern)
    for path in sorted(root.glob(glob)):
        name = path.relative_to(root).as_posix()
        if match := expression.fullmatch(name):
            yield {"path": name, **match.groupdict()}


def frames_by_number(root: Path, folder: str) -> dict[int, str]:
    """Frame number → path below the root, of the images in a folder. The last number in a file's name counts."""
    from ssltoolbox.data.images.tree import is_image

    found = [path for path in (root / folder).glob("*") if is_image(path.name)]
    numbers = [(re.findall(r"[0-9]+", path.stem), path) for path in found]
    return {int(digits[-1]): path.relative_to(root).as_posix() for digits, path in numbers if digits}


def first_of(root: Path, *names: str) -> str:
    """The first of these folders that exists; the first name if none does."""
    return next((name for name in names if (root / name).is_dir()), names[0])


def most_voted(votes: Mapping[str, float]) -> str:
    """The name that has more than half of the votes; empty if there is none."""
    counted = Counter(votes)
    name, count = counted.most_common(1)[0]
    return name if count > 0.5 * sum(counted.values()) else ""
