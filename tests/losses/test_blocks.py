"""The loss of a large batch compares blocks of columns: the same loss and gradients, with less memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ssltoolbox.losses import NTXentLoss, RobustInfoNCE, SoftTargets

INSTANCES, DIM, QUEUE, EXPLICIT = 7, 6, 12, 3
FEW = 40
"""Pairs at once: two or five columns of 14 or 7 rows, which do not divide the columns evenly."""
LOSSES: dict[str, dict[str, Any]] = {
    "batch": {},
    "queue": {"memory_bank_size": (QUEUE, DIM)},
    "one way": {"one_way": True},
    "decoupled": {"decoupled": True, "positive_sigma": 0.5},
    "robust": {"robust": RobustInfoNCE(0.5, 0.1)},
    "soft": {"soft": SoftTargets(0.5, 0.2)},
}


def columns_of(loss: NTXentLoss) -> tuple[int, int]:
    """Rows and candidates."""
    if loss.has_queue:
        return INSTANCES, QUEUE
    return (INSTANCES, INSTANCES) if loss.one_way else (2 * INSTANCES, 2 * INSTANCES)


def arguments(loss: NTXentLoss, given: str) -> dict[str, Any]:
    """Masks, weights and explicit negatives; one row has no negatives left in the batch."""
    generator = torch.Generator().manual_seed(3)
    rows, columns = columns_of(loss)
    if given == "nothing":
        return {}
    if given == "positives":
        return {"positives": torch.rand(rows, columns, generator=generator) < 0.3}
    masked = torch.rand(rows, columns, generator=generator) < 0.3
    masked[1] = True
    weights = torch.rand(rows, columns, generator=generator, dtype=torch.float64) + 0.5
    found = {"masked": masked, "attract": 0.8, "weights": weights.requires_grad_()}
    if given == "masks":
        return found
    negatives = torch.randn(rows, EXPLICIT, DIM, generator=generator, dtype=torch.float64)
    return found | {"negatives": negatives.requires_grad_()}


def outcome(name: str, given: str, **options: Any) -> tuple[Tensor, ...]:
    """The loss and its gradients."""
    torch.manual_seed(0)
    loss = NTXentLoss(0.3, **LOSSES[name], **options).double()
    sides = [torch.randn(INSTANCES, DIM, dtype=torch.float64).requires_grad_() for _ in range(2)]
    inputs = arguments(loss, given)
    value = loss(*sides, **inputs)
    learned = [each for each in inputs.values() if isinstance(each, Tensor) and each.requires_grad]
    # With a queue the keys have no gradient.
    gradients = torch.autograd.grad(value, [*sides, *learned], allow_unused=True)
    return value, *(gradient for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("given", ["nothing", "masks", "masks and negatives"])
@pytest.mark.parametrize("name", LOSSES)
def test_blocks_of_columns_give_the_loss_and_gradients_of_all(name: str, given: str) -> None:
    whole, blocks = outcome(name, given), outcome(name, given, most_pairs=FEW)
    assert all(values.isfinite().all() for values in blocks)
    torch.testing.assert_close(blocks, whole, rtol=1e-10, atol=1e-12)


def test_blocks_with_further_positives() -> None:
    whole, blocks = outcome("batch", "positives"), outcome("batch", "positives", most_pairs=FEW)
    torch.testing.assert_close(blocks, whole, rtol=1e-10, atol=1e-12)


def bytes_for_backward(loss: NTXentLoss, instances: int, **inputs: Any) -> int:
    """The memory that the forward pass keeps for the backward pass, arguments and embeddings apart."""
    sides = [torch.randn(instances, DIM).requires_grad_() for _ in range(2)]
    given = {each.untyped_storage().data_ptr() for each in inputs.values() if isinstance(each, Tensor)}
    kept: dict[int, int] = {}

    def pack(values: Tensor) -> Tensor:
        storage = values.untyped_storage()
        if storage.data_ptr() not in given:
            kept[storage.data_ptr()] = storage.nbytes()
        return values

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda values: values):
        value = loss(*sides, **inputs)
    assert value.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("masks", [False, True])
def test_blocks_keep_no_matrix_for_the_backward_pass(masks: bool) -> None:
    instances = 256
    matrix = 4 * (2 * instances) ** 2
    inputs = {"masked": torch.rand(2 * instances, 2 * instances) < 0.1, "attract": 0.5} if masks else {}
    whole = bytes_for_backward(NTXentLoss(0.3), instances, **inputs)
    blocks = bytes_for_backward(NTXentLoss(0.3, most_pairs=2 * instances * 32), instances, **inputs)
    assert whole >= matrix
    # A masked pair keeps its row, its column and its logit for the attraction.
    pairs = int(inputs["masked"].sum()) if masks else 0
    assert blocks < matrix / 4 + 64 * pairs
