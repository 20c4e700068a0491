"""SwAV: each view predicts the cluster that another view is assigned to (Caron et al., NeurIPS 2020)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, Problem, Setting, hookimpl


class SwAVOptions(Options):
    """Settings of SwAV. The defaults are those of the authors' code for large batches."""

    temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the softmax over prototypes."""
    prototypes: int = Field(default=3000, ge=2)
    """Number of clusters that images are assigned to."""
    frozen_epochs: float = Field(default=1, ge=0)
    """Epochs in which the prototypes are not trained; fractions such as 0.5 are allowed."""
    epsilon: float = Field(default=0.05, ge=0.02)
    """ε, the strength of the entropy term of Sinkhorn-Knopp. Smaller values give harder assignments. At least
    0.02, because exp(similarity / ε) overflows single precision if ε is below about 0.011."""
    sinkhorn_iterations: int = Field(default=3, ge=0)
    """Iterations of Sinkhorn-Knopp, which divides the images equally between the prototypes."""
    queue: int = Field(default=0, ge=0)
    """Number of earlier embeddings of each side that are assigned together with the batch; 0 for none. Use it
    if the batch is small compared with the number of prototypes: the authors use 3840 with a batch of 256. It
    must be divisible by the number of pairs that are compared at once."""
    queue_epochs: float = Field(default=15, ge=0)
    """Epochs before the queue is used; fractions are allowed."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the projection head's hidden layer."""
    output_dim: int = Field(default=128, ge=1)
    """Size of the embedding, and of a prototype."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        yield from setting.queue_problems("queue", self.queue, "queue")
        epochs = setting.epochs
        if epochs <= self.frozen_epochs:
            yield Problem(
                "frozen_epochs",
                f"the prototypes are frozen for {self.frozen_epochs:g} epochs, and the run has {epochs:g}",
                "write frozen_epochs: 0, or a longer run",
                warning=True,
            )
        if self.queue and epochs <= self.queue_epochs:
            yield Problem(
                "queue_epochs",
                f"the queue is used after {self.queue_epochs:g} epochs, and the run has {epochs:g}",
                "write fewer queue_epochs, or queue: 0",
                warning=True,
            )
        if (assigned := setting.instances + self.queue) < self.prototypes:
            yield Problem(
                "prototypes",
                f"{assigned} images are divided equally between {self.prototypes} prototypes: "
                "most of them get no image of their own",
                f"write prototypes: {assigned} or less, or a longer queue",
                warning=True,
            )


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="swav",
        summary="Predicts the cluster of the other view, also from local crops (Caron et al. 2020).",
        options=SwAVOptions,
        target="ssltoolbox_swav.method:SwAV",
        negatives=None,
        inputs=frozenset({"view_b", "crops"}),
        api=2,
    )
