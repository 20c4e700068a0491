"""IdentityAdversary: a classifier of people reads the features, and the backbone learns to defeat it."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import AuxiliaryLossOptions, Descriptor, Problem, Setting, hookimpl


class IdentityAdversaryOptions(AuxiliaryLossOptions):
    """How strongly identity is removed."""

    reversal: float = Field(default=1.0, ge=0)
    """λ: the gradient of the classifier's loss reaches the backbone multiplied by -λ."""
    people: int | None = Field(default=None, ge=2)
    """Number of classes of the classifier, one for each person; null takes it from the data."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.people is None and setting.data and setting.data.identities < 2:
            yield Problem("people", "the training data has only one person", "use data of several people")


@hookimpl
def ssltoolbox_auxiliary_losses() -> Iterator[Descriptor]:
    yield Descriptor(
        name="identity_adversary",
        summary="Trains features from which a classifier can't recognise people (Ning et al. 2025).",
        options=IdentityAdversaryOptions,
        target="ssltoolbox_identity_adversary.loss:IdentityAdversary",
        api=2,
    )
