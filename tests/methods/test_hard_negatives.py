"""A draw's own hard negatives are negatives in every method that has any, and no masker reaches them."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from helpers.methods import rows_for, tiny_context
from torch import Tensor

from ssltoolbox.api import Batch, NegativeMasker, Options, Rows, StepInputs
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import MoCoV2Options, SimCLROptions
from ssltoolbox.methods.simclr import SimCLR


class MaskEverything(NegativeMasker[Options]):
    """Would mask all candidates, its own draw's too."""

    def describe(self, batch: Batch) -> Tensor:
        return torch.zeros(batch.frames.shape[0] * batch.frames.shape[1], 1)

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        return torch.ones_like(eligible)


def everything_masked() -> MaskerUnion:
    return MaskerUnion({"everything": MaskEverything(Options())})


def embeddings(method: SimCLR | MoCoV2, view_a: Tensor, view_b: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(method, MoCoV2):
        query = method.projection(method.backbone(view_a))
        key = method.key_projection(method.key_backbone(view_b))
    else:
        query = method.projection(method.backbone(view_a))
        key = method.projection(method.backbone(view_b))
    return F.normalize(query, dim=1), F.normalize(key, dim=1)


def test_simclr_keeps_its_own_draw_when_all_others_are_masked(views: list[tuple[Tensor, Tensor]]) -> None:
    """Four draws of one hard negative: row i is left with its positive and the two rows of the other role."""
    context = tiny_context(maskers=everything_masked())
    method = SimCLR(SimCLROptions(hidden_dim=16, output_dim=8, batch_norm=False), context).eval()
    view_a, view_b = views[0]
    loss = method.step(StepInputs(view_a, view_b, rows_for(4, hard=1, descriptor=torch.zeros(16, 1)))).loss
    side_a, side_b = embeddings(method, view_a, view_b)
    rows = torch.cat([side_a, side_b])
    expected = []
    for i in range(16):
        own_draw = [j for j in range(16) if j % 4 == i % 4 and j not in (i, (i + 8) % 16)]
        assert len(own_draw) == 2
        kept = [(i + 8) % 16, *own_draw]
        logits = (rows[kept] @ rows[i]) / 0.1
        expected.append(F.cross_entropy(logits[None], torch.tensor([0])))
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_mocov2_adds_the_keys_of_the_own_draw(views: list[tuple[Tensor, Tensor]]) -> None:
    """Beside the queue, a query meets the keys of the other instances of its draw, in whatever order they come."""
    method = MoCoV2(MoCoV2Options(hidden_dim=16, output_dim=8, queue=8), tiny_context()).eval()
    view_a, view_b = views[0]
    rows = rows_for(4, hard=1)
    shuffled = torch.tensor([3, 0, 2, 1, 7, 5, 4, 6])
    both = torch.cat([shuffled, shuffled + 8])
    queue = method.loss.memory_bank.bank.clone()
    query, key = embeddings(method, view_a[shuffled], view_b[shuffled])
    loss = method.step(StepInputs(view_a[shuffled], view_b[shuffled], rows[both])).loss
    expected = []
    for i, place in enumerate(shuffled.tolist()):
        other = shuffled.tolist().index((place + 4) % 8)
        logits = torch.cat([key[[i]], queue, key[[other]]]) @ query[i] / 0.2
        expected.append(F.cross_entropy(logits[None], torch.tensor([0])))
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_mocov2_own_keys_survive_a_masker_that_takes_the_whole_queue(
    views: list[tuple[Tensor, Tensor]],
) -> None:
    context = tiny_context(maskers=everything_masked())
    method = MoCoV2(MoCoV2Options(hidden_dim=16, output_dim=8, queue=16), context)
    rows = rows_for(4, hard=1, descriptor=torch.zeros(16, 1))
    method.step(StepInputs(*views[0], rows))
    method.eval()
    query, key = embeddings(method, *views[1])
    later = rows_for(4, hard=1, descriptor=torch.zeros(16, 1), first_draw=4)
    bank = method.loss.memory_bank.bank.clone()
    loss = method.step(StepInputs(*views[1], later)).loss
    expected = []
    for i in range(8):
        logits = torch.cat([key[[i]], bank[8:], key[[(i + 4) % 8]]]) @ query[i] / 0.2
        expected.append(F.cross_entropy(logits[None], torch.tensor([0])))
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_mocov2_enqueues_all_instances_with_their_rows(views: list[tuple[Tensor, Tensor]]) -> None:
    method = MoCoV2(MoCoV2Options(hidden_dim=16, output_dim=8, queue=16), tiny_context())
    descriptor = torch.arange(32.0).view(16, 2)
    rows = rows_for(4, hard=1, descriptor=descriptor)
    method.step(StepInputs(*views[0], rows))
    queued = method.queue.rows()
    assert queued.draw.tolist() == [0, 1, 2, 3, 0, 1, 2, 3] + [-1] * 8
    assert torch.equal(queued.descriptors[""][:8], descriptor[8:])
    method.step(StepInputs(*views[1], rows_for(4, hard=1, descriptor=descriptor, first_draw=4)))
    method.step(StepInputs(*views[2], rows_for(4, hard=1, descriptor=descriptor, first_draw=8)))
    assert method.queue.rows().draw.tolist() == [8, 9, 10, 11] * 2 + [4, 5, 6, 7] * 2
    assert set(method.state_dict()) >= {"queue.draw", "queue.descriptors:", "loss.memory_bank.bank"}


def test_simclr_counts_its_own_draw_on_the_other_side_by_weight(views: list[tuple[Tensor, Tensor]]) -> None:
    method = SimCLR(SimCLROptions(hidden_dim=16, output_dim=8, batch_norm=False), tiny_context()).eval()
    view_a, view_b = views[0]
    loss = method.step(StepInputs(view_a, view_b, weighed(rows_for(4, hard=1), 3.0))).loss
    rows = torch.cat(embeddings(method, view_a, view_b))
    expected = []
    for i in range(16):
        positive = (i + 8) % 16
        others = [j for j in range(16) if j not in (i, positive)]
        opposite = [j for j in others if j % 4 == i % 4 and j // 8 != i // 8]
        logits = rows[[positive, *others, *opposite, *opposite]] @ rows[i] / 0.1
        expected.append(F.cross_entropy(logits[None], torch.tensor([0])))
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_mocov2_counts_its_own_draw_by_weight(views: list[tuple[Tensor, Tensor]]) -> None:
    method = MoCoV2(MoCoV2Options(hidden_dim=16, output_dim=8, queue=8), tiny_context()).eval()
    queue = method.loss.memory_bank.bank.clone()
    loss = method.step(StepInputs(*views[0], weighed(rows_for(4, hard=1), 2.0))).loss
    query, key = embeddings(method, *views[0])
    expected = []
    for i in range(8):
        own_draw = key[[(i + 4) % 8]]
        logits = torch.cat([key[[i]], queue, own_draw, own_draw]) @ query[i] / 0.2
        expected.append(F.cross_entropy(logits[None], torch.tensor([0])))
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def weighed(rows: Rows, weight: float) -> Rows:
    """Rows of four draws whose hard negatives, every second four, have a weight."""
    return replace(rows, weight=torch.tensor([1.0, weight]).repeat_interleave(4).repeat(2))
