"""The work of an evaluation that all processes of a run share: features, and whole tasks that train.

Features are shared by the images. A task that trains, such as fine-tuning, is evaluated by one process on a device
of its own, and other processes evaluate the other network, other tasks and other folds at the same time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from rich.console import Console

from ssltoolbox.api import NetworkEvaluator, TaskResults
from ssltoolbox.api.tasks import Fit
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.scoring.ranks import Ranks
from ssltoolbox.engine.scoring.shared_features import FeatureRequest, SharedFeatures
from ssltoolbox.engine.scoring.tasks import Fold, NetworkUnderTest

log = logging.getLogger(__name__)


class Training(NamedTuple):
    """A task that trains, to be evaluated on one fold of its data and on one of several networks."""

    network: int
    task: str
    fold: int


Trained = dict[Training, TaskResults]
"""The results of such tasks."""


def trainings(tasks: Mapping[str, Task], networks: int) -> list[Training]:
    """All of them, in the order of the tasks.

    Args:
        tasks: by key.
        networks: the number of networks.
    """
    return [
        Training(network, name, fold)
        for name, task in tasks.items()
        if isinstance(task.evaluator, NetworkEvaluator) and task.evaluator.needs_network
        if getattr(task.evaluator, "trains", False)
        for fold in range(len(task.folds))
        for network in range(networks)
    ]


class SharedWork:
    """What the processes of a run do together while it is evaluated.

    Args:
        ranks: the processes.
        tasks: by key.
        extractors: of all networks, in the same order on all processes.
        seed: for tasks that train.
        fit: trains a network on this process's device.
    """

    def __init__(
        self,
        ranks: Ranks,
        tasks: Mapping[str, Task],
        extractors: Sequence[FeatureExtractor],
        seed: int,
        fit: Fit,
    ) -> None:
        self.features = SharedFeatures(ranks, tasks, extractors)
        self._ranks, self._tasks, self._extractors = ranks, tasks, extractors
        self._seed, self._fit = seed, fit

    def trained(self, console: Console | None = None) -> list[dict[Fold, TaskResults]]:
        """The results of the tasks that train, for each network. Called by the first process.

        Args:
            console: shows the progress of this process's share.

        Raises:
            UserError: when a task can't be measured on its data, or diverges.
            SslToolboxError: when another process has failed or stopped.
        """
        wanted = trainings(self._tasks, len(self._extractors))
        of_networks: list[dict[Fold, TaskResults]] = [{} for _ in self._extractors]
        if wanted:
            for share in self._ranks.share(wanted, partial(self._train, console=console), "tasks"):
                for (network, task, fold), results in share.items():
                    of_networks[network][task, fold] = results
        return of_networks

    def serve(self) -> None:
        """Does this process's share of what the first one asks for, until that is done or gone."""
        self._ranks.serve(self._share)

    def _share(self, request: Any) -> Any:
        return self.features.share(request) if isinstance(request, FeatureRequest) else self._train(request)

    def _train(self, wanted: Sequence[Training], console: Console | None = None) -> Trained:
        networks = [
            NetworkUnderTest(extractor, self._seed, console, fit=self._fit) for extractor in self._extractors
        ]
        found: Trained = {}
        for training in wanted[self._ranks.rank :: self._ranks.size]:
            network, task, fold = training
            log.info("%s, fold %d, network %d", task, fold, network)
            found[training] = _on_cpu(networks[network].evaluate(self._tasks[task], fold))
        return found


def _on_cpu(results: TaskResults) -> TaskResults:
    """The results, whose head can be sent to a process with another device."""
    head = results.head
    if head and head.backbone:
        head = replace(head, backbone=head.backbone.cpu())
        return TaskResults(results, head, results.predictions)
    return results
