"""The built-in downstream tasks, as a plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ssltoolbox.api import EvaluatorDescriptor, Metric, hookimpl
from ssltoolbox.tasks.options import (
    ClassificationOptions,
    ExpressionOptions,
    IdentityOptions,
    ValenceArousalOptions,
    VerificationOptions,
)

ABOUT_WHO_IS_SHOWN = (
    "Untrained features tell little about anything, so also little about who is shown. Compare trained networks "
    "that are equally good at the main task: there, less is better."
)


def _affect(label: str) -> tuple[Metric, Metric]:
    """The metrics of valence, or of arousal."""
    return (
        Metric(result=label, key="ccc", label="CCC", better="higher", phrase=f"follow {label} with"),
        Metric(result=label, key="rmse", label="RMSE", better="lower", phrase=f"follow {label} with"),
    )


@hookimpl
def ssltoolbox_evaluators() -> Iterable[EvaluatorDescriptor]:
    yield EvaluatorDescriptor(
        name="expression",
        summary="Macro-F1 and accuracy of the eight expressions, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.expression:Expression",
        options=ExpressionOptions,
        needs=frozenset({"labels"}),
        metrics=(
            Metric(key="f1", label="macro-F1", better="higher", phrase="tell expressions apart with"),
            Metric(key="accuracy", better="higher", phrase="tell expressions apart with", chance="chance"),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="classification",
        summary="Macro-F1 and accuracy of the classes of any label, by a probe.",
        target="ssltoolbox.tasks.classification:Classification",
        options=ClassificationOptions,
        needs=frozenset({"labels"}),
        metrics=(
            Metric(key="f1", label="macro-F1", better="higher", phrase="tell classes apart with"),
            Metric(key="accuracy", better="higher", phrase="tell classes apart with", chance="chance"),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="valence_arousal",
        summary="CCC and RMSE of valence and of arousal, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.valence_arousal:ValenceArousal",
        options=ValenceArousalOptions,
        needs=frozenset({"labels"}),
        metrics=(*_affect("valence"), *_affect("arousal")),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="identity",
        summary="How much of who is shown the features still give away.",
        target="ssltoolbox.tasks.identity:Identity",
        options=IdentityOptions,
        metrics=(
            Metric(
                key="accuracy",
                title="identity left",
                better="lower",
                phrase="tell people apart with",
                chance="chance",
                versus_untrained=False,
                note=ABOUT_WHO_IS_SHOWN,
            ),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="verification",
        summary="Whether two images show one person, by LFW's ten folds.",
        target="ssltoolbox.tasks.verification:Verification",
        options=VerificationOptions,
        needs=frozenset({"pairs"}),
        metrics=tuple(
            Metric(
                key=key,
                label=label,
                better="lower",
                phrase="tell whether two images show one person with",
                chance=chance,
                versus_untrained=False,
                note=ABOUT_WHO_IS_SHOWN,
            )
            for key, label, chance in (("accuracy", "accuracy", "chance"), ("auc", "ROC area", ""))
        ),
        api=2,
    )
