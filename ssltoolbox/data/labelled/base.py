"""The base of the options of labelled images: their splits and facts, without torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from ssltoolbox.api import DataFacts, OptionError, Split
from ssltoolbox.data.labelled.repeated import COPY, ORDER, Repeated, first_copies, refuse_nothing
from ssltoolbox.data.listed import ListedOptions
from ssltoolbox.support.paths import Root

if TYPE_CHECKING:
    import numpy as np

    from ssltoolbox.data.labelled.images import LabelledImages, SplitRule


class LabelledImagesOptions(ListedOptions):
    """Images, or clips of frames, with labels."""

    size: int = Field(default=128, ge=8, le=1024)
    """Height and width that images are resized to, in pixels."""

    val: float = Field(default=0.1, ge=0, lt=1)
    """Share of the training data that becomes val, if the data has no val split. All images of a person, or of
    a clip if people are not known, stay in one split."""

    test: float = Field(default=0.1, ge=0, lt=1)
    """Share that becomes test, if the data has neither splits nor folds."""

    fold: int | Literal["all"] | None = None
    """The fold that is the test split, from 1, if the data has folds. `all` measures tasks on each fold and
    gives the mean. Null uses the splits of the data, or fold 1 if it has only folds."""

    folds: int | None = Field(default=None, ge=2)
    """Number of folds that people (or clips, if people are not known) are divided into; null for the folds of
    the data."""

    fps: float = Field(default=25.0, gt=0)
    """Frames per second of clips whose frames have numbers but no times."""

    repeated: Repeated = "keep"
    """What happens to images of val and test whose file is also in train, in val, or earlier in the same split.
    They make results too good. `leave_out` reads all files before the run."""

    follow_links: bool = False
    """Whether to follow links that lead out of the folder of the images."""

    @model_validator(mode="after")
    def _fold_is_from_1(self) -> Self:
        if isinstance(self.fold, int) and self.fold < 1:
            raise OptionError("folds are numbered from 1", options=("fold",))
        return self

    @abstractmethod
    def list_images(self) -> LabelledImages:
        """All images, whatever their split.

        Raises:
            DataNotFound: for missing data.
            UserError: for data that can't be used, with line, column and reason.
        """

    def images(self) -> LabelledImages:
        """All images; they are listed once."""
        return self.once("images", self.list_images)

    def listing(self, split: Split) -> LabelledImages:
        """The images of a split.

        Raises:
            DataNotFound, UserError: see `list_images`.
        """
        return self.once((split, self.fold), lambda: self.images().where(self._chosen(split)))

    def _chosen(self, split: Split) -> np.ndarray:
        own: np.ndarray = self._splits() == split
        if self.repeated == "leave_out":
            refuse_nothing(split, self._first_copies()[own])
            own = own & self._first_copies()
        return own

    def copies(self) -> dict[Split, int]:
        """Split → the number of its images that are copies of earlier ones. Reads all files."""
        copies = self._splits()[~self._first_copies()]
        return {split: int((copies == split).sum()) for split in ORDER}

    def _splits(self) -> np.ndarray:
        """[n] the split of each image."""
        return self.once(("splits", self.fold), lambda: self.images().assigned(self._rule()))

    def _first_copies(self) -> np.ndarray:
        """[n] bool: False for copies."""
        contents = self.once("contents", self._contents)
        return self.once(("first copies", self.fold), lambda: first_copies(contents, self._splits()))

    def _contents(self) -> list[Hashable]:
        images = self.images()
        return images.contents(Root(images.root, self.follow_links))

    def per_fold(self) -> Sequence[LabelledImagesOptions]:
        """Options for each fold where tasks use all folds; else these options alone."""
        if self.fold != "all":
            return (self,)
        count = self.folds or self.images().fold_count
        return tuple(self._of_fold(number) for number in range(1, count + 1)) or (self,)

    def _of_fold(self, number: int) -> LabelledImagesOptions:
        options = self.model_copy(update={"fold": number})
        options.__dict__["_found"] = self._found  # listed once for all folds
        return options

    def _rule(self) -> SplitRule:
        from ssltoolbox.data.labelled.images import SplitRule

        images = self.images()
        fold = 1 if self.fold == "all" else self.fold
        if fold is None and (self.folds or (images.fold_count and not (images.splits != "").any())):
            fold = 1
        return SplitRule(val=self.val, test=self.test, fold=fold, folds=self.folds)

    def facts(self, split: Split = "train") -> DataFacts:
        """
        Raises:
            DataNotFound, UserError: see `list_images`.
        """
        found = self.listing(split)
        lengths = found.lengths
        return DataFacts(
            clips=len(lengths),
            identities=len(set(found.identities.tolist())),
            frames=len(found),
            fps=self.fps,
            size=self.size,
            shortest=int(lengths.min()) if len(lengths) else 0,
            longest=int(lengths.max(initial=0)),
            labels=frozenset(found.labels),
            classes=found.classes,
            label_facts={name: label.facts() for name, label in found.labels.items()},
            left_out=self._left_out() if split == "train" else {},
            warnings=tuple(self.images().warnings(self._splits())) if split == "train" else (),
            **self._more_facts(),
        )

    def _left_out(self) -> dict[str, int]:
        copies = {COPY: sum(self.copies().values())} if self.repeated == "leave_out" else {}
        return {**(self.images().left_out or {}), **copies}

    def _more_facts(self) -> dict[str, Any]:
        """Facts of this data only, such as its terms."""
        return {}
