"""NearestFrame: how often the most similar training frame has the same label."""

from collections.abc import Iterator

from ssltoolbox.api import EvaluatorDescriptor, EvaluatorOptions, Metric, hookimpl


class NearestFrameOptions(EvaluatorOptions):
    """The label and the data of the task."""

    label: str = "expression"
    """Name of the label that is compared. It must have classes."""

    def also_needs(self) -> frozenset[str]:
        return frozenset({f"label:{self.label}"})


@hookimpl
def ssltoolbox_evaluators() -> Iterator[EvaluatorDescriptor]:
    yield EvaluatorDescriptor(
        name="nearest_frame",
        summary="How often the nearest training frame has the same label.",
        options=NearestFrameOptions,
        target="ssltoolbox_nearest_frame.task:NearestFrame",
        metrics=(Metric(key="accuracy", better="higher", phrase="find frames of the same class with"),),
        api=2,
    )
