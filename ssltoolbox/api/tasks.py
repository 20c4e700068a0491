"""The contracts of downstream tasks. A target is called as `Target(options)`."""

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
    """A downstream task on the features of a frozen backbone.

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

        To add a head for `ssltoolbox predict`, or predictions for the report, return `TaskResults`.

        Choose an epoch or a regulariser by `features["val"]`, never by `features["test"]`. In addition to the
        metrics that the descriptor declares, tables and claims use these keys of a result:

        - `<metric>_ci`: [low, high], the metric's 95% interval
        - `resamples`: `{metric: [R]}`, the metric over R resamples of people (or clips, or pairs). The resamples
          must be the same for every network. From them, the engine computes the interval of the difference from
          an untrained network, which the claims use. They are not written to `evaluation.json`.
        - `protocol`: `linear`, `linear_sgd`, `knn` or `finetune`, or a word of your own
        - `per_class`: a number for each class, by name
        - `confusion`: counts, a row for each true class
        - `roc`: with `false_accepts` and `true_accepts`

        Raises:
            UserError: if the features lack a label that the task needs.
        """
        ...


class Fit(Protocol):
    """Trains a `LightningModule` with Lightning's Trainer, on the device of the context.

    The engine's function uses the recipe's `trainer.precision`, saves checkpoints like a training run does, and
    resumes from the last one.
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
            module: the module to train.
            batches: step → the batches from that step on. The step is 0, or that of a checkpoint.
            steps: number of optimiser steps, one for each batch.
            callbacks: Lightning callbacks. Their `state_dict` is saved in the checkpoints; it may contain only
                tensors and plain values.
            name: the name of this training within the run. Trainings with other data, options or initial weights
                need other names.
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
        backbone: a copy of the network, [B, 3, size, size] → [B, feature_dim]; the task may train it.
        feature_dim: the size of its features.
        view: the recipe's view: `augment` for training, `plain` for evaluation.
        datasets: the splits of the task's data.
        frames: split → clip and frame numbers, [n] each, of the frames that the task should use.
        read: (dataset, clips, frames, batch size) → the images in that order, in batches, read by the loader's
            workers.
        features: (dataset, clips, frames) → the features of these images in that order, without the unreadable
            ones. They are computed with the backbone as it was when the task began.
        device: the device of the backbone.
        seed: the recipe's seed.
        progress: (total, unit) → a context manager that shows progress. It yields a function; call it with the
            number of units done since the last call.
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

    If it also has an attribute `trains` that is True, a run of several processes evaluates it in one process, and
    the other network, other folds and other such tasks in other processes. Its results must then be picklable.

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
        """True if the engine must call `evaluate_network`; False if it must call `Evaluator.evaluate`."""
        ...

    def evaluate_network(self, context: EvaluationContext) -> Mapping[str, Mapping[str, Any]]:
        """Results as those of `Evaluator.evaluate`, under the same rules.

        Raises:
            UserError: if the data lacks something that the task needs.
        """
        ...
