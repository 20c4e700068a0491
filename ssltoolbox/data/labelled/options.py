"""What a recipe may set of the published data of downstream tasks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ssltoolbox.api import EXPRESSIONS, DataFacts, Split
from ssltoolbox.data.labelled.repeated import COPY, ORDER, Repeated, first_copies, refuse_nothing
from ssltoolbox.data.listed import ListedOptions

if TYPE_CHECKING:
    import numpy as np

    from ssltoolbox.data.label_columns import Label
    from ssltoolbox.data.labelled.affectnet.listing import ListedFolder, ListedRows
    from ssltoolbox.data.labelled.fer2013.listing import CsvImages, FolderImages
    from ssltoolbox.data.labelled.lfw.listing import Listing


class AffectNetOptions(ListedOptions):
    """AffectNet as it is released: eight expressions, valence and arousal, landmarks.

    Either release is found: the lists `Manually_Annotated_file_lists/training.csv` and `validation.csv` beside
    `Manually_Annotated_Images/<number>/<hash>.jpg`, or the folders `train_set` and `val_set` with
    `images/<number>.jpg` and `annotations/<number>_exp.npy`, `_val.npy`, `_aro.npy` and `_lnd.npy`. The published
    validation set is the test split; a tenth of the training set, by a hash of the names, is val. How many images
    each class has is known before a run where there are lists.
    """

    root: Path = Field(strict=False)
    """Holds `Manually_Annotated_file_lists/training.csv` and `validation.csv`, and the images
    `Manually_Annotated_Images/<number>/<hash>.jpg`; or `train_set` and `val_set`, each with `images/0.jpg` and
    `annotations/0_exp.npy`, `0_val.npy`, `0_aro.npy` and `0_lnd.npy`."""

    size: int = Field(default=128, ge=8, le=1024)
    """Height and width that faces are resized to, in pixels; landmarks are scaled with them."""

    def listing(self, split: Split) -> ListedRows | ListedFolder:
        """The images of a split; see `list_affectnet`."""
        from ssltoolbox.data.labelled.affectnet.listing import list_affectnet

        return self.once(split, lambda: list_affectnet(self.root, split))

    def facts(self, split: Split = "train") -> DataFacts:
        """
        Raises:
            DataNotFound: where a part is not there.
            UserError: where the lists can't be used.
        """
        listing = self.listing(split)
        labels = frozenset({"expression", "valence", "arousal"})
        return _facts(
            len(listing),
            self.size,
            labels=labels,
            expressions=EXPRESSIONS,
            known=listing.labels,
            landmarks=True,
        )


class FER2013Options(ListedOptions):
    """FER2013: grey faces of 48 × 48 pixels with seven expressions, without contempt.

    Either form is found: `fer2013.csv` (or `icml_face_data.csv`), whose PublicTest is val and whose PrivateTest is
    the test split; or the folders `train/<expression>/` and `test/<expression>/`. Without a folder `val` a tenth
    of train, by a hash of the names, is val.
    """

    root: Path = Field(strict=False)
    """Holds `fer2013.csv` or `icml_face_data.csv`; or the folders `train/<expression>/` and
    `test/<expression>/`."""

    size: int = Field(default=48, ge=8, le=1024)
    """Height and width that images are resized to, in pixels."""

    repeated: Repeated = "keep"
    """What happens to the 274 images of val and 298 of test (in the published splits) that are also in train, in
    val, or earlier in the same split. They make results too good, above all of nearest neighbours. Published
    results include them. `leave_out` reads all files before the run."""

    def listing(self, split: Split) -> CsvImages | FolderImages:
        """The images of a split; see `list_fer2013`."""
        if self.repeated == "keep":
            return self._published(split)
        return self.once((split, "used"), lambda: self._without_copies(split))

    def _published(self, split: Split) -> CsvImages | FolderImages:
        from ssltoolbox.data.labelled.fer2013.listing import list_fer2013

        return self.once(split, lambda: list_fer2013(self.root, split))

    def _without_copies(self, split: Split) -> CsvImages | FolderImages:
        used = self._first_copies()[split]
        refuse_nothing(split, used)
        return self._published(split).where(used)

    def _first_copies(self) -> dict[Split, np.ndarray]:
        """Split → [n] bool: False for copies."""
        return self.once("first copies", self._compared)

    def _compared(self) -> dict[Split, np.ndarray]:
        import numpy as np

        contents = {split: self._published(split).contents() for split in ORDER}
        splits = np.repeat(ORDER, [len(found) for found in contents.values()])
        first = first_copies([*chain.from_iterable(contents.values())], splits)
        return {split: first[splits == split] for split in ORDER}

    def copies(self) -> dict[Split, int]:
        """Split → the number of its images that are copies of earlier ones. Reads all files."""
        return {split: int((~first).sum()) for split, first in self._first_copies().items()}

    def facts(self, split: Split = "train") -> DataFacts:
        """
        Raises:
            DataNotFound: where a part is not there.
            UserError: where the file or a folder can't be used.
        """
        listing = self.listing(split)
        label = listing.labels["expression"]
        return _facts(
            len(listing),
            self.size,
            labels=frozenset({"expression"}),
            expressions=label.names,
            known=listing.labels,
            left_out={COPY: sum(self.copies().values())}
            if split == "train" and self.repeated == "leave_out"
            else {},
        )


class LFWOptions(ListedOptions):
    """Labeled Faces in the Wild: folders `<name>/<name>_0001.jpg`, `pairs.txt` and `pairsDevTrain.txt`.

    The folders lie in the root, or in `lfw`, `lfw_funneled` or `lfw-deepfunneled` in it. The test split has the
    images that `pairs.txt` names, with its pairs; train and val have the people of `pairsDevTrain.txt`, a tenth of
    whom, by a hash of their names, are val.
    """

    root: Path = Field(strict=False)
    """Holds `pairs.txt`, `pairsDevTrain.txt` and the images `<name>/<name>_0001.jpg`, in itself or in `lfw`,
    `lfw_funneled` or `lfw-deepfunneled`."""

    size: int = Field(default=128, ge=8, le=1024)
    """Height and width that faces are resized to, in pixels."""

    crop: float = Field(default=0.73, gt=0, le=1)
    """Share of an image's height and width that a central crop keeps. The images are 2.2 times as wide as the
    detected face. With 0.73, crops are 1.6 times as wide, as in VoxCeleb."""

    def listing(self, split: Split) -> Listing:
        """The images and pairs of a split; see `list_lfw`."""
        from ssltoolbox.data.labelled.lfw.listing import list_lfw

        return self.once(split, lambda: list_lfw(self.root, split))

    def facts(self, split: Split = "train") -> DataFacts:
        """
        Raises:
            DataNotFound: where a part is not there.
            UserError: where a list can't be used.
        """
        listing = self.listing(split)
        return _facts(len(listing.images), self.size, identities=len(set(listing.people)), pairs=True)


def _facts(
    images: int,
    size: int,
    *,
    identities: int | None = None,
    labels: frozenset[str] = frozenset(),
    expressions: tuple[str, ...] = (),
    known: Mapping[str, Label] | None = None,
    landmarks: bool = False,
    pairs: bool = False,
    left_out: Mapping[str, int] | None = None,
) -> DataFacts:
    """The facts of single images. If identities are unknown, each image counts as another person."""
    return DataFacts(
        clips=images,
        identities=images if identities is None else identities,
        frames=images,
        fps=1.0,
        size=size,
        shortest=1,
        longest=1,
        landmarks=landmarks,
        landmark_detector="",
        labels=labels,
        classes={"expression": expressions} if expressions else {},
        label_facts={name: label.facts() for name, label in (known or {}).items()},
        pairs=pairs,
        left_out=dict(left_out or {}),
    )
