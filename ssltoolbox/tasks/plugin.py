"""The built-in downstream tasks, as a plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ssltoolbox.api import Descriptor, hookimpl
from ssltoolbox.tasks.options import (
    ExpressionOptions,
    IdentityOptions,
    ValenceArousalOptions,
    VerificationOptions,
)


@hookimpl
def ssltoolbox_evaluators() -> Iterable[Descriptor]:
    yield Descriptor(
        name="expression",
        summary="Macro-F1 and accuracy of the eight expressions, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.expression:Expression",
        options=ExpressionOptions,
        needs=frozenset({"labels"}),
        api=1,
    )
    yield Descriptor(
        name="valence_arousal",
        summary="CCC and RMSE of valence and of arousal, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.valence_arousal:ValenceArousal",
        options=ValenceArousalOptions,
        needs=frozenset({"labels"}),
        api=1,
    )
    yield Descriptor(
        name="identity",
        summary="How much of who is shown the features still give away; lower is better.",
        target="ssltoolbox.tasks.identity:Identity",
        options=IdentityOptions,
        api=1,
    )
    yield Descriptor(
        name="verification",
        summary="Whether two images show one person, by LFW's ten folds; lower is better.",
        target="ssltoolbox.tasks.verification:Verification",
        options=VerificationOptions,
        needs=frozenset({"pairs"}),
        api=1,
    )
