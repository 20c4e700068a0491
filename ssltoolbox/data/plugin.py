"""The plugin of the built-in datasets."""

from __future__ import annotations

from collections.abc import Iterator

from ssltoolbox.api import Descriptor, hookimpl
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.labelled.options import AffectNetOptions, FER2013Options, LFWOptions
from ssltoolbox.data.labelled.own.options import LabelledOptions
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions


@hookimpl
def ssltoolbox_datasets() -> Iterator[Descriptor]:
    yield Descriptor(
        name="synthetic_faces",
        summary="Drawn faces whose expression moves over time, with landmarks and labels; no download.",
        options=SyntheticFacesOptions,
        target="ssltoolbox.data.synthetic_faces.dataset:SyntheticFaces",
        api=2,
    )
    yield Descriptor(
        name="frames",
        summary="Face frames on disk: root/identity/video/clip/*.jpg, or an index of them.",
        options=FramesOptions,
        target="ssltoolbox.data.frames.dataset:FramesDataset",
        api=2,
    )
    yield Descriptor(
        name="labelled",
        summary="Images or clips with labels of your own: a CSV or Parquet table, or folders.",
        options=LabelledOptions,
        target="ssltoolbox.data.labelled.dataset:LabelledFaces",
        api=2,
    )
    yield Descriptor(
        name="affectnet",
        summary="AffectNet as released: faces with expression, valence, arousal and landmarks.",
        options=AffectNetOptions,
        target="ssltoolbox.data.labelled.affectnet.dataset:AffectNet",
        api=2,
    )
    yield Descriptor(
        name="fer2013",
        summary="FER2013, as CSV or folders: small grey faces with seven expressions.",
        options=FER2013Options,
        target="ssltoolbox.data.labelled.fer2013.dataset:FER2013",
        api=2,
    )
    yield Descriptor(
        name="lfw",
        summary="Labeled Faces in the Wild: people's faces, and pairs of them to verify.",
        options=LFWOptions,
        target="ssltoolbox.data.labelled.lfw.dataset:LFW",
        api=2,
    )
