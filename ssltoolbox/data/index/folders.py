"""Lists the clips of a folder for an index: in folders of frames or in tar files, here or on remote storage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssltoolbox.data.images.remote_tree import RemoteTree
from ssltoolbox.data.images.roots import ImageRoot
from ssltoolbox.data.images.tree import Tree
from ssltoolbox.data.index.listing import ListedClip, frames_root, list_tree
from ssltoolbox.data.index.tar_labels import LabelledClips
from ssltoolbox.data.index.tars import Tars, tar_names
from ssltoolbox.support.remote import RemoteFolder


@dataclass(frozen=True)
class FolderListing:
    """
    Attributes:
        root: the folder that the clips' paths are below.
        clips: in natural order; folders are read as they are asked for.
        reasons: path below the root, and reason, of all that was left out so far; it grows.
        left_out: gives the number of other things that are no data, by what they are.
        tars: path of a tar file below the root → its bytes; None for image files.
        classes: label in tar files → the names of its classes.
        labels, unused: names of the labels in tar files, and of what can't be a label.
    """

    root: Path | RemoteFolder
    clips: Iterator[ListedClip]
    reasons: Collection[tuple[str, str]]
    left_out: Callable[[], Mapping[str, int]]
    tars: Mapping[str, int] | None = None
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    unused: Sequence[str] = ()


def list_folder(place: Path | RemoteFolder, fps: float, follow_links: bool = False) -> FolderListing:
    """
    Args:
        place: the folder: of identities, or of tar files.
        fps: frames per second where frames are numbered without gaps.
        follow_links: also follow links that lead out of it.

    Raises:
        DataNotFound: where there is no such folder.
        UserError: where it has no frames or can't be read.
    """
    root = ImageRoot(place, follow_links)
    if names := tar_names(root):
        tars, clips = Tars(root, names), LabelledClips()
        clips.add(tars.clips(fps))
        return FolderListing(
            place,
            iter(clips),
            tars.reasons,
            dict,
            tars.sizes,
            classes=clips.classes,
            labels=clips.labels,
            unused=clips.unused,
        )
    tree: Tree
    if isinstance(place, RemoteFolder):
        tree = RemoteTree(place)
    else:
        place = frames_root(place)
        tree = Tree(place, follow_links=follow_links, lenient=True)
    return FolderListing(place, list_tree(tree, fps), tree.reasons, lambda: tree.left_out)
