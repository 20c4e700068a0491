"""The contracts of downstream tasks. A target is called with its options, as parsed: `Target(options)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from pytorch_lightning import Callback, LightningModule
    from torch import nn

    from ssltoolbox.api.datasets import Dataset, Split
    from ssltoolbox.api.tensors import Features, Frames
    from ssltoolbox.api.views import View


@runtime_checkable
class Evaluator(Protocol):
    """A downstream task on features of a frozen backbone.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Features, Options
        >>> class Majority:
        ...     def __init__(self, options):
        ...         pass
        ...     def evaluate(self, features):
        ...         usual = np.bincount(features["train"].labels["expression"]).argmax()
        ...         truth = features["test"].labels["expression"]
        ...         return {"majority": {"accuracy": float((truth == usual).mean())}}
        >>> def split(*classes):
        ...     ids = np.arange(len(classes))
        ...     labels = {"expression": np.array(classes)}
        ...     return Features(np.zeros((len(ids), 4), np.float32), ids, ids, ids / 25, labels)
        >>> Majority(Options()).evaluate({"train": split(1, 1, 0), "val": split(0), "test": split(1, 0, 1, 1)})
        {'majority': {'accuracy': 0.75}}
    """

    def evaluate(self, features: Mapping[Split, Features]) -> Mapping[str, Mapping[str, Any]]:
        """Results as in `evaluation.json`: `{"valence": {"ccc": 0.5}, "arousal": …}`, fractions in 0 to 1.

        `TaskResults` are results with a head for `ssltoolbox predict`, and with predictions for the report.

        Choices (an epoch, a regulariser) are made on `features["val"]`, never on `features["test"]`. Besides the
        metrics that the descriptor declares, tables and claims use these keys of a result:

        - `<metric>_ci`: [low, high], the metric's 95% interval
        - `resamples`: `{metric: [R]}`, the metric over R resamples of people (or clips, or pairs); the resamples
          are the same for every network. The engine computes from it the interval of the difference to an
          untrained network, on which claims rest. It is not written to `evaluation.json`.
        - `protocol`: `linear`, `linear_sgd`, `knn` or `finetune`, or a word of your own
        - `per_class` by name and `confusion`, a row for each true class; `roc` with `false_accepts`
          and `true_accepts`

        Raises:
            UserError: where the features lack a label that the task needs.
        """
        ...


class Fit(Protocol):
    """Trains a `LightningModule` by Lightning's Trainer, on the device of the context.

    The engine's uses the recipe's `trainer.precision`, saves checkpoints as those of a training run, and resumes
    from the last one.
    """

    def __call__(
        self,
        module: LightningModule,
        batches: Callable[[int], Iterable[Any]],
        steps: int,
        callbacks: Sequence[Callback] = (),
        name: str = "",
    ) -> None:
        """Trains all steps.

        Args:
            module: what is trained.
            batches: step → the batches from that step on, such as 0 or the step of a checkpoint.
            steps: of the optimiser, one for each batch.
            callbacks: of Lightning. Their `state_dict` is in the checkpoints; it holds tensors and plain values.
            name: tells this training from others of the run: other data, options or initial weights have another
                name.
        """
        ...


def _no_fit(*_: Any, **__: Any) -> None:
    raise NotImplementedError("this context trains nothing; ssltoolbox.models.lightning has a fit for tests")


def _unseen(total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)


@dataclass(frozen=True)
class EvaluationContext:
    """What the engine passes to a task that needs more than frozen features.

    Attributes:
        backbone: the network, [B, 3, size, size] → [B, feature_dim]; a copy, which the task may train.
        feature_dim: the size of its features.
        view: `augment` for images to train on, `plain` for images to look at.
        datasets: the splits of the task's data.
        frames: split → clip and frame numbers, [n] each, of the frames that the task should use.
        read: (dataset, clips, frames, batch size) → the images in that order, batch by batch, on the loader's
            workers.
        features: (dataset, clips, frames) → the features of those images in that order, without the unreadable
            ones, with the backbone frozen as it was when the task began.
        device: where the backbone is.
        seed: the recipe's.
        progress: (total, unit) → a context manager that shows progress; it gives a function that takes the number
            of units done since the last call.
        classes: label → the names of its classes, or of its columns, where the data names them.
        fit: trains a network.
    """

    backbone: nn.Module
    feature_dim: int
    view: View
    datasets: Mapping[Split, Dataset]
    frames: Callable[[Split], tuple[np.ndarray, np.ndarray]]
    read: Callable[[Dataset, np.ndarray, np.ndarray, int], Iterator[Frames]]
    features: Callable[[Dataset, np.ndarray, np.ndarray], Features]
    device: torch.device
    seed: int
    progress: Callable[[int, str], AbstractContextManager[Callable[[int], None]]] = _unseen
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fit: Fit = _no_fit


@runtime_checkable
class NetworkEvaluator(Protocol):
    """A downstream task that needs the network, to train it or to compute features of chosen images.

    Examples:
        >>> class Size:
        ...     needs_network = True
        ...     def evaluate_network(self, context):
        ...         clips, frames = context.frames("test")
        ...         return {"test": {"frames": len(clips)}}
        >>> from types import SimpleNamespace
        >>> Size().evaluate_network(SimpleNamespace(frames=lambda split: ([0, 0, 1], [4, 9, 2])))
        {'test': {'frames': 3}}
    """

    @property
    def needs_network(self) -> bool:
        """False if the task, with these options, runs as an `Evaluator`."""
        ...

    def evaluate_network(self, context: EvaluationContext) -> Mapping[str, Mapping[str, Any]]:
        """Results as those of `Evaluator.evaluate`, under the same rules.

        Raises:
            UserError: where the data lacks what the task needs.
        """
        ...
