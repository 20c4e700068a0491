"""MAE: rebuilds the pixels of masked patches from the others (He et al., CVPR 2022)."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, Problem, Setting, hookimpl


class MAEOptions(Options):
    """Settings of MAE. The defaults are those of the paper."""

    masked: float = Field(default=0.75, gt=0, lt=1)
    """Share of the patches that the encoder does not see."""
    normalise: Literal["patch", "image", "none"] = "patch"
    """Whether the target pixels are standardised over each patch, over each image, or not at all."""
    decoder_dim: int = Field(default=512, ge=4, multiple_of=4)
    """Width of the decoder; divisible by its heads."""
    decoder_depth: int = Field(default=8, ge=1)
    """Number of blocks of the decoder."""
    decoder_heads: int = Field(default=16, ge=1)
    """Attention heads of each block of the decoder."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.decoder_dim % self.decoder_heads:
            fitting = [heads for heads in range(1, self.decoder_heads) if self.decoder_dim % heads == 0]
            yield Problem(
                "decoder_heads",
                f"a decoder of width {self.decoder_dim} can't have {self.decoder_heads} heads of equal width",
                f"write decoder_heads: {fitting[-1]}",
            )


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="mae",
        summary="Predicts the pixels of masked patches from the other patches (He et al. 2022).",
        options=MAEOptions,
        target="ssltoolbox_mae.method:MAE",
        negatives=None,
        inputs=frozenset(),
        whole_backbone=False,
        needs=frozenset({"backbone:vit"}),
        api=2,
    )
