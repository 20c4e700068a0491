"""The built-in datasets, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterator

from ssltoolbox.api import Descriptor, hookimpl
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions


@hookimpl
def ssltoolbox_datasets() -> Iterator[Descriptor]:
    yield Descriptor(
        name="synthetic_faces",
        summary="Drawn faces whose expression moves over time, with landmarks and labels; no download.",
        options=SyntheticFacesOptions,
        target="ssltoolbox.data.synthetic_faces.dataset:SyntheticFaces",
        api=1,
    )
    yield Descriptor(
        name="frames",
        summary="Face frames on disk: root/identity/video/clip/*.jpg, or an index of them.",
        options=FramesOptions,
        target="ssltoolbox.data.frames.dataset:FramesDataset",
        api=1,
    )
