"""The built-in methods: their options, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import (
    EXPRESSIONS,
    DataFacts,
    MethodDescriptor,
    Options,
    Problem,
    Setting,
    hookimpl,
)


class RINCEOptions(Options):
    """Settings of the loss `rince` (Chuang et al. 2022)."""

    q: float = Field(default=0.5, gt=0, le=1)
    """How robust the loss is to wrong positives. Near 0 it behaves as InfoNCE; 1 is the most robust."""
    weight: float = Field(default=0.025, gt=0)
    """λ, the weight of the sum over positive and negatives."""


class SoftContrastOptions(Options):
    """Settings of the loss `soft_contrast` (Denize et al. 2023)."""

    share: float = Field(default=0.5, gt=0, lt=1)
    """λ, the share of the target that only the positive has. With 1 the loss would be InfoNCE."""
    temperature: float = Field(default=0.05, gt=1e-6)
    """τ_m: with a low value, only the candidates most similar to the positive get a share of the target."""


class ContrastOptions(Options):
    """The options of methods that contrast each row with negatives."""

    temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the loss."""
    loss: Literal["info_nce", "rince", "soft_contrast"] = "info_nce"
    """The form of the loss: `info_nce`; `rince`, which is robust to wrong positives; or `soft_contrast`, in
    which candidates that are similar to the positive become partial positives."""
    rince: RINCEOptions = RINCEOptions()
    """Settings of the loss `rince`."""
    soft_contrast: SoftContrastOptions = SoftContrastOptions()
    """Settings of the loss `soft_contrast`."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        for option in ("rince", "soft_contrast"):
            if option != self.loss and getattr(self, option) != type(self).model_fields[option].default:
                yield Problem(option, f"the loss {self.loss!r} does not use it", f"write loss: {option}")
        if self.loss == "rince" and self.rince.q / self.temperature > LARGEST_EXPONENT:
            yield Problem(
                "rince",
                f"q over the temperature is {self.rince.q / self.temperature:g}, whose exponential is too large "
                "for single precision",
                "use a smaller q, or a larger temperature",
            )


LARGEST_EXPONENT = 60
"""The exponential of this, times the number of candidates, is still finite in single precision."""


class SimCLROptions(ContrastOptions):
    """Settings of SimCLR. The defaults are those of lightly."""

    temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the loss. The paper of the four strategies uses 0.07."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the projection head's hidden layer."""
    output_dim: int = Field(default=128, ge=1)
    """Size of the embedding that the loss compares."""
    batch_norm: bool = True
    """Batch norm in the projection head; false as in the paper of the four strategies."""


class MoCoV2Options(ContrastOptions):
    """Settings of MoCo-v2. The defaults are those of lightly."""

    temperature: float = Field(default=0.2, gt=1e-6)
    """τ of the loss."""
    queue: int = Field(default=65536, ge=1)
    """Number of keys in the queue. It must be divisible by the number of pairs that are compared at once."""
    momentum: float = Field(default=0.999, ge=0, lt=1)
    """Momentum of the key network."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the projection head's hidden layer."""
    output_dim: int = Field(default=128, ge=1)
    """Size of the embedding that the loss compares."""
    shuffle_keys: bool = False
    """Whether the images of the keys are shuffled before the key network, so that a key and its query get
    batch-norm statistics from different images. This has an effect if the statistics are those of a part of the
    batch: with `trainer.chunk_size`, or on several devices with `trainer.sync_batch_norm: false`."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        yield from super().problems(setting)
        yield from setting.queue_problems("queue", self.queue, "queue")
        parted = setting.norm_instances < setting.instances
        if setting.norm_instances and parted != self.shuffle_keys:
            yield Problem("shuffle_keys", *(_LEAK if parted else _IDLE_SHUFFLE), warning=True)


_LEAK = (
    "a query and its key share batch-norm statistics with few others, by which a network with batch norm can tell "
    "the key from the queue",
    "set shuffle_keys: true",
)
_IDLE_SHUFFLE = (
    "shuffled keys change nothing: batch norm has the statistics of the whole batch",
    "set trainer.chunk_size; or, on several devices, trainer.sync_batch_norm: false",
)


class BYOLOptions(Options):
    """Settings of BYOL. The defaults are those of lightly."""

    momentum: float = Field(default=0.99, ge=0, le=1)
    """Momentum of the target network at the first step. It rises to 1 along a cosine."""
    hidden_dim: int = Field(default=4096, ge=1)
    """Width of the hidden layer of the projection and prediction heads."""
    output_dim: int = Field(default=256, ge=1)
    """Size of the embedding that the loss compares."""


class SupervisedOptions(Options):
    """What the network learns."""

    label: str = "expression"
    """Name of the label in the data. It must have classes, not numbers."""
    classes: int | None = Field(default=None, ge=2)
    """Number of classes; null takes it from the data."""

    def also_needs(self) -> frozenset[str]:
        return frozenset({f"label:{self.label}"})

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data is None or self.label not in setting.data.labels:
            return
        known = setting.data.label_facts.get(self.label)
        if known and known.lowest is not None:
            yield Problem("label", f"{self.label!r} has numbers, and no classes")
        elif self.classes_of(setting.data) is None:
            yield Problem(
                "classes",
                f"the data doesn't say how many classes {self.label!r} has",
                "write it, such as classes: 2",
            )

    def classes_of(self, data: DataFacts | None) -> int | None:
        """How many classes the label has; None if it is not known."""
        if self.classes is not None:
            return self.classes
        if self.label == "expression":
            return len(EXPRESSIONS)
        facts = data.label_facts.get(self.label) if data else None
        return (data and len(data.classes.get(self.label, ()))) or (facts and len(facts.counts)) or None


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="simclr",
        summary="Finds the other view of a pair among all views of the batch (Chen et al. 2020).",
        options=SimCLROptions,
        target="ssltoolbox.methods.simclr:SimCLR",
        negatives="batch",
        weights=True,
        api=2,
    )
    yield MethodDescriptor(
        name="mocov2",
        summary="Finds the momentum network's key of the other view among queued older keys (Chen et al. 2020b).",
        options=MoCoV2Options,
        target="ssltoolbox.methods.mocov2:MoCoV2",
        negatives="queue",
        weights=True,
        api=2,
    )
    yield MethodDescriptor(
        name="byol",
        summary="Predicts a momentum network's embedding of the other view; no negatives (Grill et al. 2020).",
        options=BYOLOptions,
        target="ssltoolbox.methods.byol:BYOL",
        negatives=None,
        api=2,
    )
    yield MethodDescriptor(
        name="supervised",
        summary="Cross-entropy on labels: the upper reference for methods without labels.",
        options=SupervisedOptions,
        target="ssltoolbox.methods.supervised:Supervised",
        negatives=None,
        inputs=frozenset(),
        api=2,
    )
    yield MethodDescriptor(
        name="none",
        summary="No training: evaluates the backbone with its initial weights.",
        target="ssltoolbox.methods.none:NoTraining",
        negatives=None,
        trains=False,
        api=2,
    )
