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
    "The number says how well the features identify people. Of two networks that are equally good at the main "
    "task, the one with the lower number depends less on identity. The untrained network is no baseline here: "
    "a low number may only mean that its features contain little information of any kind."
)


LABELS = frozenset({"labels"})
SHOWN = "tell what is shown with"
CLIPS = "tell the expressions of clips apart with"
PAIRS = "tell whether two images show one person with"


def _of_classes(phrase: str) -> tuple[Metric, Metric]:
    """The metrics of a label that is a class."""
    return (
        Metric(key="f1", label="macro-F1", better="higher", phrase=phrase),
        Metric(key="accuracy", better="higher", phrase=phrase, chance="chance"),
    )


def _of_numbers(phrase: str, label: str = "") -> tuple[Metric, Metric]:
    """The metrics of a label that is a number; of this label, if the task has several."""
    return (
        Metric(result=label, key="ccc", label="CCC", better="higher", phrase=phrase),
        Metric(result=label, key="rmse", label="RMSE", better="lower", phrase=phrase),
    )


def _of_people(key: str, phrase: str, label: str = "", chance: str = "chance") -> Metric:
    """A metric of who is shown, of which less is better."""
    return Metric(
        key=key,
        label=label,
        better="lower",
        phrase=phrase,
        chance=chance,
        versus_untrained=False,
        note=ABOUT_WHO_IS_SHOWN,
    )


@hookimpl
def ssltoolbox_evaluators() -> Iterable[EvaluatorDescriptor]:
    yield EvaluatorDescriptor(
        name="expression",
        summary="Macro-F1 and accuracy of the data's expressions, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.expression:Expression",
        options=ExpressionOptions,
        needs=LABELS,
        metrics=_of_classes("tell expressions apart with"),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="classification",
        summary="Macro-F1 and accuracy of the classes of any label, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.classification:Classification",
        options=ClassificationOptions,
        needs=LABELS,
        metrics=_of_classes("tell classes apart with"),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="regression",
        summary="CCC and RMSE of any numeric label, by a probe.",
        target="ssltoolbox.tasks.regression:Regression",
        options=RegressionOptions,
        needs=LABELS,
        metrics=_of_numbers("follow the numbers with"),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="multi_label",
        summary="F1 of several yes-or-no labels, such as action units, and their mean.",
        target="ssltoolbox.tasks.multi_label:MultiLabel",
        options=MultiLabelOptions,
        needs=LABELS,
        metrics=(Metric(key="f1", label="mean F1", better="higher", phrase=SHOWN, chance="chance"),),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="clip_expression",
        summary="UAR and WAR of the expressions of clips, by a probe on features that are pooled over time.",
        target="ssltoolbox.tasks.clip_expression:ClipExpression",
        options=ClipExpressionOptions,
        needs=LABELS,
        metrics=(
            Metric(key="uar", label="UAR", better="higher", phrase=CLIPS, chance="chance"),
            Metric(key="war", label="WAR", better="higher", phrase=CLIPS),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="valence_arousal",
        summary="CCC and RMSE of valence and of arousal, by a probe or by fine-tuning.",
        target="ssltoolbox.tasks.valence_arousal:ValenceArousal",
        options=ValenceArousalOptions,
        needs=LABELS,
        metrics=(
            *_of_numbers("follow valence with", "valence"),
            *_of_numbers("follow arousal with", "arousal"),
        ),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="identity",
        summary="How well the features identify people; less is better.",
        target="ssltoolbox.tasks.identity:Identity",
        options=IdentityOptions,
        metrics=(_of_people("accuracy", "tell people apart with"),),
        api=2,
    )
    yield EvaluatorDescriptor(
        name="verification",
        summary="Whether two images show the same person, on LFW's ten folds.",
        target="ssltoolbox.tasks.verification:Verification",
        options=VerificationOptions,
        needs=frozenset({"pairs"}),
        metrics=(
            _of_people("accuracy", PAIRS, label="accuracy"),
            _of_people("auc", PAIRS, label="ROC area", chance=""),
        ),
        api=2,
    )
