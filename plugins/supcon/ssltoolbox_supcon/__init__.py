"""SupCon: rows of the same class are pulled together (Khosla et al., NeurIPS 2020)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, Problem, Setting, hookimpl


class SupConOptions(Options):
    """Settings of SupCon. The defaults are those of the paper."""

    label: str = "expression"
    """Name of the label in the data whose classes are pulled together. For a frame without a class, the only
    positive is the other view of its pair."""
    temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the loss."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the projection head's hidden layer."""
    output_dim: int = Field(default=128, ge=1)
    """Size of the embedding that the loss compares."""
    batch_norm: bool = False
    """Batch norm in the projection head."""

    def also_needs(self) -> frozenset[str]:
        return frozenset({f"label:{self.label}"})

    def problems(self, setting: Setting) -> Iterator[Problem]:
        known = setting.data.label_facts.get(self.label) if setting.data else None
        if known and (known.lowest is not None or known.columns):
            yield Problem("label", f"{self.label!r} has numbers, and no classes", "name a label with classes")


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="supcon",
        summary="Pulls rows of the same class together and pushes all others apart (Khosla et al. 2020).",
        options=SupConOptions,
        target="ssltoolbox_supcon.method:SupCon",
        negatives="batch",
        api=2,
    )
