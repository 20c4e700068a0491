"""MoCo-v3: a prediction head, a momentum network, and keys of the batch (Chen, Xie and He, ICCV 2021)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class MoCoV3Options(Options):
    """Settings of MoCo-v3. The defaults are those of the paper and its code for vision transformers."""

    temperature: float = Field(default=0.2, gt=1e-6)
    """τ of the loss. The authors' code uses 1.0 for ResNets."""
    momentum: float = Field(default=0.99, ge=0, le=1)
    """Momentum of the key network at the first step. It rises to 1 along a cosine."""
    projection_layers: int = Field(default=3, ge=2)
    """Number of layers of the projection head. The authors' code uses 2 for ResNets."""
    prediction_norm: bool = True
    """Batch norm after the last layer of the prediction head. The authors' code has none for ResNets."""
    hidden_dim: int = Field(default=4096, ge=1)
    """Width of the hidden layers of the projection and prediction heads."""
    output_dim: int = Field(default=256, ge=1)
    """Size of the embedding that the loss compares."""
    freeze_patches: bool = False
    """Whether the random patch embedding of a vision transformer is not trained. The paper does this for
    stability."""

    def also_needs(self) -> frozenset[str]:
        return frozenset({"backbone:vit"} if self.freeze_patches else ())


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="moco_v3",
        summary="Finds the momentum network's key of the other view among those of the batch (Chen et al. 2021).",
        options=MoCoV3Options,
        target="ssltoolbox_moco_v3.method:MoCoV3",
        negatives="batch",
        weights=True,
        api=2,
    )
