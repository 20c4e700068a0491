"""Lists the images of a table or a folder with their labels, without opening an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssltoolbox.data.index.table import Table
from ssltoolbox.data.labelled.gather import gather
from ssltoolbox.data.labelled.images import LabelledImages
from ssltoolbox.data.labelled.own.folders import folder_table
from ssltoolbox.support.paths import needed_folder

if TYPE_CHECKING:
    from ssltoolbox.data.labelled.own.options import LabelledOptions


def list_labelled(options: LabelledOptions) -> LabelledImages:
    """All images of a table or a folder, with their labels.

    Raises:
        DataNotFound: if the table or the root does not exist.
        UserError: if it can't be used: the line, the column and the reason.
    """
    if options.table is None:
        assert options.root is not None
        root = needed_folder(options.root, "the images")
        table = folder_table(root, options.label, follow_links=options.follow_links)
    else:
        root = needed_folder(options.root or options.table.absolute().parent, "the images")
        table = Table.read(options.table, needed=("path",))
    return gather(table, root, options.labels, fps=options.fps, pattern=options.pattern)
