"""NearestFrame: whether the most similar training frame has the same label."""

from collections.abc import Iterator

from ssltoolbox.api import EvaluatorDescriptor, EvaluatorOptions, Metric, Problem, Setting, hookimpl


class NearestFrameOptions(EvaluatorOptions):
    """What is compared."""

    label: str = "expression"
    """The label; classes, not numbers."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        known = setting.data.labels if setting.data else frozenset()
        if known and self.label not in known:
            yield Problem(
                "label", f"the data has no label {self.label!r}", f"it has {', '.join(sorted(known))}"
            )


@hookimpl
def ssltoolbox_evaluators() -> Iterator[EvaluatorDescriptor]:
    yield EvaluatorDescriptor(
        name="nearest_frame",
        summary="Whether the nearest training frame has the same label.",
        options=NearestFrameOptions,
        target="ssltoolbox_nearest_frame.task:NearestFrame",
        needs=frozenset({"labels"}),
        metrics=(Metric(key="accuracy", better="higher", phrase="find frames of the same class with"),),
        api=2,
    )
