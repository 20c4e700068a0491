"""Processes that evaluate tasks that train: each some of them, with the results of one process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing
from helpers.squares import Plain, Squares, small_net
from torch import distributed

from ssltoolbox.api import EvaluationContext, TaskResults, UserError
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.scoring.ranks import Ranks
from ssltoolbox.engine.scoring.shared_work import SharedWork
from ssltoolbox.engine.scoring.tasks import NetworkUnderTest
from ssltoolbox.models.lightning import fit_on_cpu
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.options import ExpressionOptions, FineTuneOptions

RANKS, SEED = 2, 3
TUNING = ExpressionOptions(
    protocol="finetune", finetune=FineTuneOptions(epochs=2, batch_size=16, hidden=(8,), dropout=0.1)
)


class Who:
    """Reports which process evaluates it. The recipe's last task, so that folds and networks come in between."""

    needs_network = trains = True

    def evaluate_network(self, context: EvaluationContext) -> dict[str, dict[str, Any]]:
        return {"who": {"rank": distributed.get_rank()}}


class OnlyHere(Who):
    """Rejects its data in every process but the first."""

    def evaluate_network(self, context: EvaluationContext) -> dict[str, dict[str, Any]]:
        if distributed.get_rank() > 0:
            raise UserError("the labels are all alike", "use other data")
        return {}


class Looks(Who):
    """Needs the network, and does not train."""

    trains = False


def folds(count: int) -> list[dict[str, Squares]]:
    shifted = [[(label + fold) % 8 for label in range(8)] * 4 for fold in range(count)]
    return [{split: Squares(labels) for split in ("train", "val", "test")} for labels in shifted]


def tasks() -> dict[str, Task]:
    one = folds(1)
    return {
        "expression": Task(Expression(TUNING), folds(2)),  # type: ignore[arg-type]
        "looks": Task(Looks(), one),  # type: ignore[arg-type]
        "who": Task(Who(), one),  # type: ignore[arg-type]
    }


def extractors() -> list[FeatureExtractor]:
    other = small_net()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    return [FeatureExtractor(network, Plain()) for network in (small_net(), other)]


def on_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    init = f"file://{folder}/rendezvous"
    distributed.init_process_group("gloo", init_method=init, rank=rank, world_size=RANKS)
    try:
        ranks = Ranks()
        work = SharedWork(ranks, tasks(), extractors(), SEED, fit_on_cpu)
        failing = SharedWork(ranks, {"here": Task(OnlyHere(), folds(1))}, extractors(), SEED, fit_on_cpu)  # type: ignore[arg-type]
        if rank > 0:
            work.serve()
            with pytest.raises(UserError):
                failing.serve()
            return
        with ranks.released():
            found = work.trained()
        with pytest.raises(UserError) as caught:
            failing.trained()
        torch.save((found, caught.value.message, caught.value.hint), os.path.join(folder, "found.pt"))
    finally:
        distributed.destroy_process_group()


@pytest.mark.slow
def test_processes_train_for_different_networks_and_folds(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(on_rank, (str(tmp_path),), nprocs=RANKS)
    found, *mistake = torch.load(tmp_path / "found.pt", weights_only=False)
    assert mistake == ["the labels are all alike", "use other data"]
    assert [set(of_network) for of_network in found] == [
        {("expression", 0), ("expression", 1), ("who", 0)}
    ] * 2
    assert [of_network["who", 0]["who"]["rank"] for of_network in found] == [0, 1]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for extractor, of_network in zip(extractors(), found, strict=True):
            network = NetworkUnderTest(extractor, SEED)
            for fold in (0, 1):
                alone = network.evaluate(tasks()["expression"], fold)
                assert_same(of_network["expression", fold], alone)
    finally:
        torch.set_num_threads(threads)


def assert_same(one: TaskResults, other: TaskResults) -> None:
    assert one["expression"]["confusion"] == other["expression"]["confusion"]
    assert one.head
    assert other.head
    for (weight, _), (expected, _) in zip(one.head.layers, other.head.layers, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert one.head.backbone
    assert other.head.backbone
    for name, tensor in other.head.backbone.state_dict().items():
        torch.testing.assert_close(one.head.backbone.state_dict()[name], tensor, rtol=0, atol=0)
