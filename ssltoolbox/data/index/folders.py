"""Lists the clips of a folder for an index: in folders of frames or in tar files, here or on remote storage."""

from __future__ import annotations

from pathlib import Path

from ssltoolbox.data.images.remote_tree import RemoteTree
from ssltoolbox.data.images.roots import ImageRoot
from ssltoolbox.data.images.tree import Tree
from ssltoolbox.data.index.listing import ClipListing, frames_root, list_tree
from ssltoolbox.data.index.tar_labels import LabelledClips
from ssltoolbox.data.index.tars import Tars, tar_names
from ssltoolbox.support.remote import RemoteFolder


def list_folder(place: Path | RemoteFolder, fps: float, follow_links: bool = False) -> ClipListing:
    """The clips in a folder, in natural order; folders are read as the clips are asked for.

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
        return ClipListing(
            place,
            fps,
            clips,
            follow_links,
            labels=clips.labels,
            classes=clips.classes,
            unused=clips.unused,
            tars=tars.sizes,
            reasons=tars.reasons,
        )
    tree: Tree
    if isinstance(place, RemoteFolder):
        tree = RemoteTree(place)
    else:
        place = frames_root(place)
        tree = Tree(place, follow_links=follow_links, lenient=True)
    clips_of_tree = list_tree(tree, fps)
    return ClipListing(
        place, fps, clips_of_tree, follow_links, reasons=tree.reasons, left_out=lambda: tree.left_out
    )
