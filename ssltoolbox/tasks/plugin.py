"""The built-in downstream tasks, as a plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ssltoolbox.api import EvaluatorDescriptor, Metric, hookimpl
from ssltoolbox.tasks.options import (
    ClassificationOptions,
    ClipExpressionOptions,
    ExpressionOptions,
    IdentityOptions,
    MultiLabelOptions,
    RegressionOptions,
    ValenceArousalOptions,
    VerificationOptions,
)

ABOUT_WHO_IS_SHOWN = (
    "The untrained network is no baseline here: its features contain little information of any kind. "
    "Compare trained networks that are equally good at the main task: the one with the lower number depends "
    "less on identity."
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
        summary="Macro-F1 and accuracy of the data's expressions, by a probe or by fine-tuning.",
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
        summary="Macro-F1 and accuracy of the classes of any label, by a probe or by fine-tuning.",
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
        name="regression",
        summary="CCC and RMSE of any numeric label, by a probe.",
        target="ssltoolbox.tasks.regression:Regression",
        options=RegressionOptions,
        needs=frozenset({"labels"}),
        metrics=(
            Metric(key="ccc", label="CCC", better="higher", phrase="follow the numbers with"),
            Metric(key="rmse", label="RMSE", better="lower", phrase="follow the numbers with"),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="multi_label",
        summary="F1 of several yes-or-no labels, such as action units, and their mean.",
        target="ssltoolbox.tasks.multi_label:MultiLabel",
        options=MultiLabelOptions,
        needs=frozenset({"labels"}),
        metrics=(
            Metric(
                key="f1", label="mean F1", better="higher", phrase="tell what is shown with", chance="chance"
            ),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="clip_expression",
        summary="UAR and WAR of the expressions of clips, by a probe on features that are pooled over time.",
        target="ssltoolbox.tasks.clip_expression:ClipExpression",
        options=ClipExpressionOptions,
        needs=frozenset({"labels"}),
        metrics=(
            Metric(
                key="uar",
                label="UAR",
                better="higher",
                phrase="tell the expressions of clips apart with",
                chance="chance",
            ),
            Metric(
                key="war", label="WAR", better="higher", phrase="tell the expressions of clips apart with"
            ),
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
        summary="How well the features identify people; less is better.",
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
        summary="Whether two images show the same person, on LFW's ten folds.",
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
