"""Reweight: similar negatives count for more, and false negatives are subtracted by their expected share."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl

LOWEST_TEMPERATURE = 0.5
"""Below this, `tau_plus` makes the repulsion of most rows constant."""
STEEPEST = 4.0
"""The largest β/τ of the paper's good results: β = 2 at τ = 0.5."""
BEST_SLOPE = 2.0
"""β/τ of the paper's best result: β = 1 at τ = 0.5."""


class ReweightOptions(Options):
    """How the weight of a negative depends on its similarity to the row."""

    beta: float = Field(default=1.0, ge=0)
    """β: how strongly the weight grows with the similarity; with 0 all negatives have equal weights. Only β/τ
    matters, and the default is for τ = 0.5."""
    tau_plus: float = Field(default=0.0, ge=0, lt=1)
    """τ⁺: the probability that a random negative is a false negative. Its expected effect is subtracted. Only for
    methods that compare rows of the batch."""
    temperature: float | None = Field(default=None, gt=0)
    """τ of the weights; null takes the temperature of the method's loss."""
    same_clip: bool = False
    """Whether only negatives of the row's own clip are weighted; the others then have weight 1."""
    differentiable: bool = True
    """Whether the gradient also flows through the weights, as in the published code."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        temperature = self.temperature or setting.temperature
        if temperature is None:
            yield Problem(
                "temperature", "the method has no temperature", "write one, such as temperature: 0.1"
            )
            return
        slope = self.beta / temperature
        if slope > STEEPEST:
            yield Problem(
                "beta",
                f"at temperature {temperature:g} the weights are e^({slope:.3g} s), so that a few negatives have "
                f"nearly all the weight; published results are best at e^({BEST_SLOPE:g} s)",
                f"write beta: {BEST_SLOPE * temperature:.3g}",
                warning=True,
            )
        if self.tau_plus and temperature < LOWEST_TEMPERATURE:
            yield Problem(
                "tau_plus",
                f"at temperature {temperature:g} the corrected sum of most rows falls below its lower bound, "
                "so that their negatives have no effect",
                f"write tau_plus: 0, or a temperature of {LOWEST_TEMPERATURE:g} or more",
                warning=True,
            )


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="reweight",
        summary="Negatives with similar features get larger weights (Robinson et al. 2021).",
        options=ReweightOptions,
        target="ssltoolbox_reweight.masker:Reweight",
        api=2,
    )
