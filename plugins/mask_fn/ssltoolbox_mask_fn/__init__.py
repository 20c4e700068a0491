"""MaskFN: a negative with the anchor's eyes and mouth is a false one (Shu et al., BMVC 2022, section 3.3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class MaskFNOptions(Options):
    """How false negatives are found, and what becomes of them."""

    descriptor: Literal["resnet18", "pixels", "gradients", "geometry"] = "resnet18"
    """What describes the eyes and the mouth: a frozen ResNet-18, as in the paper, or, without any weights,
    their grey values, their orientation histograms (SIFT), or the shape of their landmarks."""
    weights: Literal["imagenet"] | Annotated[Path, Field(strict=False)] = "imagenet"
    """The ResNet-18's weights: torchvision's for ImageNet, which timm downloads, or a file of theirs."""
    attract: float = Field(default=0.8, ge=0)
    """Weight of the loss's second term, which draws a row to its false negatives; 0 only cancels them."""
    top_k: int = Field(default=1, ge=1)
    """The most candidates that are masked for a row, the most similar ones."""
    threshold: float | None = Field(default=None, ge=-1, le=1)
    """Cosine similarity of the descriptors below which nothing is masked; null sets no limit."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.weights == "imagenet":
            return
        if self.descriptor != "resnet18":
            hint = "take it out, or write descriptor: resnet18"
            yield Problem("weights", f"descriptor {self.descriptor!r} has no weights", hint)
        elif not self.weights.is_file():
            yield Problem(
                "weights", f"no weights at {self.weights}", "name a file of a ResNet-18, or imagenet"
            )

    def notices(self) -> Iterator[str]:
        if self.descriptor == "resnet18":
            its = (
                "an ImageNet ResNet-18"
                if self.weights == "imagenet"
                else f"the ResNet-18 in {self.weights.name}"
            )
            yield f"MaskFN compared faces with {its}, whose weights are not in this file."


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="mask_fn",
        summary="The candidates with the most similar eyes and mouth are false negatives.",
        options=MaskFNOptions,
        target="ssltoolbox_mask_fn.masker:MaskFN",
        needs=frozenset({"landmarks"}),
        api=2,
    )
