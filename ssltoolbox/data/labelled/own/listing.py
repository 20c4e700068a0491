"""Lists the images of a table, or of a folder for each class, without opening an image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.data.images.tree import Tree
from ssltoolbox.data.index.cells import SPLITS, Table
from ssltoolbox.data.labelled.gather import gather
from ssltoolbox.data.labelled.images import LabelledImages
from ssltoolbox.support.paths import needed_folder, printable

if TYPE_CHECKING:
    from ssltoolbox.data.labelled.own.options import LabelledOptions

LAYOUT = "<split>/<class>/… or <class>/…"


def list_labelled(options: LabelledOptions) -> LabelledImages:
    """All images of a table or a folder, with their labels.

    Raises:
        DataNotFound: if the table, the root or all images are missing.
        UserError: if it can't be used: the line, the column and the reason.
    """
    if options.table is None:
        assert options.root is not None
        root = needed_folder(options.root, "the images")
        table = folder_table(root, options.label, follow_links=options.follow_links)
    else:
        root = needed_folder(options.root or options.table.absolute().parent, "the images")
        table = Table.read(options.table, needed=("path",))
    found = gather(table, root, options.labels, fps=options.fps, pattern=options.pattern)
    missing, tried = found.missing()
    if len(missing) == tried:
        such = printable(missing[0])
        raise DataNotFound(
            f"{printable(table.file)}: none of its images, such as {such}, is in {printable(root)}",
            "set root to the folder that the paths are relative to",
        )
    return found


def folder_table(root: Path, label: str, *, follow_links: bool = False) -> Table:
    """A table of the images in `root/split/class/` or `root/class/`. A folder of images in a class is one clip.

    Args:
        root: the folder.
        label: the name of the column of classes.
        follow_links: also follow links that lead out of the folder.

    Raises:
        DataNotFound: if the folder does not exist.
        UserError: if there are no such images.
    """
    tree = Tree(root, follow_links=follow_links)
    names = tree.folders("")
    by_split = bool(names) and all(name.lower() in SPLITS for name in names)
    rows: list[tuple[str, str, str, str]] = []
    for first in names:
        split = first if by_split else ""
        for class_ in tree.folders(first) if by_split else [first]:
            folder = os.path.join(split, class_)
            rows += [(path, split, clip, class_) for path, clip in _images(tree, folder)]
    if not rows:
        raise UserError(
            f"{printable(root)}: no images at {LAYOUT}", "or name a table: {name: labelled, table: faces.csv}"
        )
    paths, splits, clips, classes = map(list, zip(*rows, strict=True))
    columns = {"path": paths, **({"split": splits} if by_split else {}), "clip": clips, label: classes}
    return Table(root, columns)


def is_labelled(root: Path) -> bool:
    """Whether a folder has the layout of `folder_table`, judged by its first class."""
    tree = Tree(root, follow_links=True, lenient=True)
    names = tree.folders("")
    if names and all(name.lower() in SPLITS for name in names):
        names = [os.path.join(name, inner) for name in names for inner in tree.folders(name)]
    folders = [os.path.join(name, inner) for name in names[:1] for inner in ("", *tree.folders(name)[:1])]
    return any(tree.clip(folder).frames for folder in folders)


def _images(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    """Path and clip of each image of a class. A single image is a clip; so is a folder of images."""
    for name in tree.clip(folder).frames:
        path = os.path.join(folder, name)
        yield path, path
    for inner in tree.folders(folder):
        yield from _frames(tree, os.path.join(folder, inner))


def _frames(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    for name in in_natural_order(tree.clip(folder).frames):
        yield os.path.join(folder, name), folder
    for inner in tree.folders(folder):
        yield from _frames(tree, os.path.join(folder, inner))
