"""The plugin of the built-in datasets."""

from __future__ import annotations

from collections.abc import Iterator

from ssltoolbox.api import Descriptor, hookimpl
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.labelled.options import AffectNetOptions, FER2013Options, LFWOptions
from ssltoolbox.data.labelled.own.options import LabelledOptions
from ssltoolbox.data.labelled.sets.action_units import BP4DOptions, DISFAOptions
from ssltoolbox.data.labelled.sets.afew_va import AFEWVAOptions
from ssltoolbox.data.labelled.sets.aff_wild2 import AffWild2Options
from ssltoolbox.data.labelled.sets.base import PublishedOptions, terms_of
from ssltoolbox.data.labelled.sets.ck_plus import CKPlusOptions
from ssltoolbox.data.labelled.sets.clips import DFEWOptions, FERV39kOptions, MAFWOptions
from ssltoolbox.data.labelled.sets.expw import ExpWOptions
from ssltoolbox.data.labelled.sets.ferplus import FERPlusOptions
from ssltoolbox.data.labelled.sets.raf_db import RAFDBOptions
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

LABELLED = "ssltoolbox.data.labelled.dataset:LabelledFaces"
PUBLISHED: tuple[tuple[str, type[PublishedOptions], str], ...] = (
    ("raf_db", RAFDBOptions, "RAF-DB: single faces with seven expressions."),
    ("ferplus", FERPlusOptions, "FER+: FER2013's faces with votes on eight expressions."),
    ("expw", ExpWOptions, "ExpW: faces in web images with seven expressions."),
    ("ck_plus", CKPlusOptions, "CK+: sequences, or single faces of 48 pixels, with emotions."),
    ("afew_va", AFEWVAOptions, "AFEW-VA: clips of films with valence and arousal."),
    ("aff_wild2", AffWild2Options, "Aff-Wild2: videos with expressions, affect or action units."),
    ("dfew", DFEWOptions, "DFEW: clips of films with seven expressions and five folds."),
    ("ferv39k", FERV39kOptions, "FERV39k: clips of four scenes with seven expressions."),
    ("mafw", MAFWOptions, "MAFW: clips with eleven expressions and five folds."),
    ("bp4d", BP4DOptions, "BP4D: videos of people with twelve action units."),
    ("disfa", DISFAOptions, "DISFA: videos of people with eight action units."),
)
"""Name, options and summary of the published sets that share a base. A summary begins with the set's title."""
OTHER_TERMS = {
    "ferplus": "The labels of FER+ are free. The images are those of FER2013, whose terms allow research only."
}
"""Of a set whose terms are not those of `terms_of`."""


@hookimpl
def ssltoolbox_datasets() -> Iterator[Descriptor]:
    yield Descriptor(
        name="synthetic_faces",
        summary="Drawn faces with changing expressions, landmarks and labels; no download.",
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
        summary="Images or clips with your own labels: a CSV or Parquet table, or folders.",
        options=LabelledOptions,
        target="ssltoolbox.data.labelled.dataset:LabelledFaces",
        api=2,
    )
    yield Descriptor(
        name="affectnet",
        summary="AffectNet as released: faces with expression, valence, arousal and landmarks.",
        options=AffectNetOptions,
        target="ssltoolbox.data.labelled.affectnet.dataset:AffectNet",
        notice=terms_of("AffectNet"),
        api=2,
    )
    yield Descriptor(
        name="fer2013",
        summary="FER2013, as CSV or folders: small grey faces with seven expressions.",
        options=FER2013Options,
        target="ssltoolbox.data.labelled.fer2013.dataset:FER2013",
        notice="The terms of FER2013 allow research only.",
        api=2,
    )
    yield Descriptor(
        name="lfw",
        summary="Labeled Faces in the Wild: faces of people, and pairs for verification.",
        options=LFWOptions,
        target="ssltoolbox.data.labelled.lfw.dataset:LFW",
        api=2,
    )
    for name, options, summary in PUBLISHED:
        terms = OTHER_TERMS.get(name) or terms_of(summary.partition(":")[0])
        yield Descriptor(name=name, summary=summary, options=options, target=LABELLED, notice=terms, api=2)
