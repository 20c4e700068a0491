"""MaskFN: a negative with the anchor's eyes and mouth is a false one (Shu et al., BMVC 2022, section 3.3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class MaskFNOptions(Options):
    """How false negatives are found, and what is done with them."""

    descriptor: Literal["resnet18", "pixels", "gradients", "geometry"] = "resnet18"
    """The descriptor of eyes and mouth. `resnet18` is a frozen ResNet-18, as in the paper. The others need no
    weights: `pixels` are grey values, `gradients` orientation histograms (SIFT), and `geometry` the shape of
    the landmarks."""
    weights: Literal["imagenet"] | Annotated[Path, Field(strict=False)] = "imagenet"
    """Weights of the ResNet-18: those of torchvision for ImageNet, which timm downloads, or a file with such
    weights."""
    attract: float = Field(default=0.8, ge=0)
    """Weight of the attraction to false negatives; with 0 they are only removed from the denominator."""
    top_k: int = Field(default=1, ge=1)
    """Number of candidates that are masked for a row at most. The most similar ones are masked."""
    threshold: float | None = Field(default=None, ge=-1, le=1)
    """Smallest cosine similarity of the descriptors of a masked candidate; null sets no limit."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.weights == "imagenet":
            return
        if self.descriptor != "resnet18":
            hint = "remove it, or write descriptor: resnet18"
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
