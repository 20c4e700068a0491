"""MoCo-v3: a prediction head, a momentum network, and keys of the batch (Chen, Xie and He, ICCV 2021)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class MoCoV3Options(Options):
    """MoCo-v3's settings; the defaults are those of the paper and its code for vision transformers."""

    temperature: float = Field(default=0.2, gt=1e-6)
    """τ of the loss. The authors' code has 1.0 for ResNets."""
    momentum: float = Field(default=0.99, ge=0, le=1)
    """How much the key network keeps of itself at the first step; it rises to 1 along a cosine."""
    projection_layers: int = Field(default=3, ge=2)
    """Layers of the projection head. The authors' code has 2 for ResNets."""
    prediction_norm: bool = True
    """Batch norm after the last layer of the prediction head. The authors' code has none for ResNets."""
    hidden_dim: int = Field(default=4096, ge=1)
    """Width of the hidden layers of the projection and prediction heads."""
    output_dim: int = Field(default=256, ge=1)
    """Size of the embedding that the loss compares."""
    freeze_patches: bool = False
    """Keeps the random patch embedding of a vision transformer as it is, which the paper does for stability."""

    def also_needs(self) -> frozenset[str]:
        return frozenset({"backbone:vit"} if self.freeze_patches else ())


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="moco_v3",
        summary="Finds the momentum network's key of the other side among those of the batch (Chen et al. 2021).",
        options=MoCoV3Options,
        target="ssltoolbox_moco_v3.method:MoCoV3",
        negatives="batch",
        weights=True,
        api=2,
    )
