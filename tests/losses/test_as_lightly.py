"""What lightly promises of its NTXentLoss holds for ours, also where a mask makes it take its own way."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.losses import NTXentLoss

WAYS = {"as the parent": False, "with a mask": True}
both_ways = pytest.mark.parametrize("masks", WAYS.values(), ids=WAYS)


def loss_of(loss: NTXentLoss, out0: torch.Tensor, out1: torch.Tensor, masks: bool) -> torch.Tensor:
    """The loss, by the parent's way or by ours with a mask that masks nothing."""
    if not masks:
        return loss(out0, out1)
    shape = (len(out0), loss.memory_bank.size[0]) if loss.has_queue else (2 * len(out0),) * 2
    return loss(out0, out1, masked=torch.zeros(shape, dtype=torch.bool), attract=0.5)


def pair(instances: int, dim: int, seed: int = 0, **options: Any) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(instances, dim, generator=generator, **options) for _ in range(2)]


@both_ways
@given(
    instances=st.integers(1, 9),
    dim=st.integers(1, 40),
    temperature=st.sampled_from([0.02, 0.1, 0.5, 1.0, 7.0]),
)
def test_a_batch_by_hand(masks: bool, instances: int, dim: int, temperature: float) -> None:
    """A row after the other: minus the log of its softmax share."""
    out0, out1 = pair(instances, dim, dtype=torch.float64)
    rows = [row / row.norm() for row in (*out0, *out1)]
    total = 0.0
    for i, row in enumerate(rows):
        partner = (i + instances) % (2 * instances)
        scores = [math.exp(float(row @ other) / temperature) for k, other in enumerate(rows) if k != i]
        total -= math.log(math.exp(float(row @ rows[partner]) / temperature) / sum(scores))
    assert loss_of(NTXentLoss(temperature), out0, out1, masks).item() == pytest.approx(
        total / len(rows), rel=1e-6, abs=1e-8
    )


@both_ways
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_a_queue_by_hand(masks: bool, temperature: float) -> None:
    loss = NTXentLoss(temperature, (12, 8))
    out0, out1 = pair(4, 8, requires_grad=True)
    bank = loss.memory_bank.bank.clone()
    query, key = F.normalize(out0, dim=1), F.normalize(out1, dim=1)
    logits = torch.cat([(query * key).sum(dim=1, keepdim=True), query @ bank.T], dim=1) / temperature
    expected = F.cross_entropy(logits, torch.zeros(4, dtype=torch.long))
    torch.testing.assert_close(loss_of(loss, out0, out1, masks), expected)


@both_ways
def test_a_queue_moves_on_in_training_alone_and_goes_round(masks: bool) -> None:
    loss = NTXentLoss(0.1, (8, 4))
    before = loss.memory_bank.bank.clone()
    loss_of(loss, *pair(4, 4), masks)
    assert torch.equal(loss.memory_bank.bank, before)
    batches = [pair(4, 4, seed, requires_grad=True) for seed in range(3)]
    for batch in batches:
        loss_of(loss, *batch, masks)
    expected = [F.normalize(batches[number][1], dim=1).detach() for number in (2, 1)]
    torch.testing.assert_close(loss.memory_bank.bank, torch.cat(expected))


@both_ways
@pytest.mark.parametrize("queue", [0, (12, 8)])
def test_lengths_of_embeddings_do_not_count(masks: bool, queue: int | tuple[int, int]) -> None:
    out0, out1 = pair(6, 8)
    torch.manual_seed(0)
    short = loss_of(NTXentLoss(0.2, queue), out0, out1, masks)
    torch.manual_seed(0)
    long = loss_of(NTXentLoss(0.2, queue), 100 * out0, 0.01 * out1, masks)
    torch.testing.assert_close(short, long)


@both_ways
def test_sides_can_be_exchanged_in_a_batch(masks: bool) -> None:
    out0, out1 = pair(6, 8)
    loss = NTXentLoss(0.1)
    torch.testing.assert_close(loss_of(loss, out0, out1, masks), loss_of(loss, out1, out0, masks))


@both_ways
@pytest.mark.parametrize("temperature", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("alike", [False, True])
def test_extreme_temperatures_give_finite_losses_and_gradients(
    masks: bool, temperature: float, alike: bool
) -> None:
    """Hot: every row is as likely. Cold: the likeliest alone counts. Finite all the way, gradients too."""
    out0, out1 = pair(6, 8, dtype=torch.float64)
    if alike:
        out0, out1 = torch.ones_like(out0), torch.ones_like(out1)
    out0.requires_grad_()
    value = loss_of(NTXentLoss(temperature), out0, out1, masks)
    value.backward()
    assert value.isfinite()
    assert out0.grad.isfinite().all()
    if temperature == 1e6 or alike:
        assert value.item() == pytest.approx(math.log(11), abs=1e-4)


@both_ways
def test_the_loss_of_one_instance_is_zero(masks: bool) -> None:
    assert loss_of(NTXentLoss(0.1), *pair(1, 8), masks).item() == 0.0


@both_ways
@pytest.mark.parametrize("queue", [0, (12, 8)])
def test_gathering_without_other_ranks_changes_nothing(masks: bool, queue: int | tuple[int, int]) -> None:
    torch.manual_seed(0)
    alone = loss_of(NTXentLoss(0.1, queue), *pair(6, 8), masks)
    torch.manual_seed(0)
    gathering = loss_of(NTXentLoss(0.1, queue, gather_distributed=True), *pair(6, 8), masks)
    assert torch.equal(alone, gathering)


def test_gathering_needs_torch_distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_available", lambda: False)
    NTXentLoss()
    with pytest.raises(ValueError, match=r"torch\.distributed is not available"):
        NTXentLoss(gather_distributed=True)


@pytest.mark.parametrize("temperature", [0.0, 1e-9, -1e-9])
def test_a_temperature_of_nothing_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="Illegal temperature"):
        NTXentLoss(temperature)


def test_sizes_of_a_queue() -> None:
    assert NTXentLoss(0.1, (16, 4)).memory_bank.bank.shape == (16, 4)
    assert not NTXentLoss(0.1, 0).has_queue
    with pytest.raises(ValueError, match="Illegal memory bank size"):
        NTXentLoss(0.1, -1)
