"""SwAV is lightly's own loop, with local crops and a queue."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers.crops import COUNT, PER_EPOCH, Images, crops_context, images, inputs, losses_of
from lightly.loss import SwaVLoss
from lightly.loss.swav_loss import sinkhorn
from lightly.models.modules.memory_bank import MemoryBankModule
from pydantic import ValidationError
from ssltoolbox_swav import SwAVOptions
from ssltoolbox_swav.method import SwAV
from torch import Tensor, nn

from ssltoolbox.api import Setting

QUEUE, FROZEN = 12, 3
OPTIONS = SwAVOptions(
    prototypes=10, frozen_epochs=FROZEN / PER_EPOCH, queue=QUEUE, queue_epochs=2, hidden_dim=16, output_dim=8
)


def build(options: SwAVOptions = OPTIONS) -> SwAV:
    return SwAV(options, crops_context())


def test_twenty_steps_are_those_of_a_plain_lightly_loop() -> None:
    method = build()
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    prototypes = nn.Linear(8, 10, bias=False)
    prototypes.load_state_dict({"weight": method.prototypes.heads[0].weight})
    queues = [MemoryBankModule((QUEUE, 8), feature_dim_first=False) for _ in range(2)]
    criterion = SwaVLoss()

    def plain(step: int, given: Images) -> Tensor:
        view_a, view_b, crops = given
        with torch.no_grad():
            prototypes.weight.copy_(F.normalize(prototypes.weight))
        features = torch.cat([backbone(torch.cat([view_a, view_b])), backbone(torch.cat(crops))])
        z = F.normalize(head(features))
        scores = prototypes(z).split(COUNT)
        with torch.no_grad():
            earlier = [
                prototypes(queue(side, update=True)[1])
                for queue, side in zip(queues, z.split(COUNT), strict=False)
            ]
        in_use = step >= 2 * PER_EPOCH
        return criterion(list(scores[:2]), list(scores[2:]), earlier if in_use else None).squeeze()

    def freeze(step: int) -> None:
        if step < FROZEN:
            prototypes.weight.grad = None

    def step_loss(step: int, given: Images) -> Tensor:
        method.before_step(step)
        return method.step(inputs(step, given)).loss

    theirs = losses_of([p for m in (backbone, head, prototypes) for p in m.parameters()], plain, freeze)
    ours = losses_of(list(method.parameters()), step_loss, method.after_backward)
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), rtol=1e-5, atol=1e-6)
    assert ours[-1] != ours[0]


def test_the_loss_is_precise_in_reduced_precision() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        output = build().step(inputs(0, images()[0]))
    assert output.loss.dtype == torch.float32
    torch.testing.assert_close(output.loss, build().step(inputs(0, images()[0])).loss, rtol=0.02, atol=0)


def test_embeddings_of_each_side_enter_its_queue() -> None:
    method = build()
    output = method.step(inputs(0, images()[0]))
    assert set(method.state_dict()) >= {"queues.0.bank", "queues.1.bank_ptr"}
    torch.testing.assert_close(method.queues[0].bank[:COUNT], output.embeddings.detach())
    torch.testing.assert_close(method.queues[1].bank[:COUNT], output.pairs.detach())
    assert not method.queues[0].bank[COUNT:].any()


@pytest.mark.parametrize(
    ("queue_epochs", "used"), [(0.0, [False, False, True, True]), (0.75, [False] * 3 + [True])]
)
def test_a_queue_is_used_from_its_epoch_once_it_is_full(queue_epochs: float, used: list[bool]) -> None:
    """Until then, the loss is the one without a queue."""
    queued = build(OPTIONS.model_copy(update={"queue_epochs": queue_epochs}))
    alone = build(OPTIONS.model_copy(update={"queue": 0}))
    for step, (given, expected) in enumerate(zip(images(), used, strict=False)):
        losses = [method.step(inputs(step, given)).loss for method in (queued, alone)]
        assert (losses[0] != losses[1]) == expected


def test_prototypes_are_frozen_at_the_start_and_have_length_one() -> None:
    method = build()
    given = images()[0]
    (prototypes,) = method.prototypes.heads
    for step, learns in ((FROZEN - 1, False), (FROZEN, True)):
        method.zero_grad()
        method.step(inputs(step, given)).loss.backward()
        method.after_backward(step)
        assert (prototypes.weight.grad is not None) == learns
    with torch.no_grad():
        prototypes.weight.mul_(3)
    method.before_step(0)
    torch.testing.assert_close(prototypes.weight.norm(dim=1), torch.ones(10))


def test_the_smallest_epsilon_does_not_overflow() -> None:
    """Sinkhorn-Knopp sums exp(similarity / ε) over all images and prototypes, and similarities reach 1."""
    method = build(SwAVOptions(prototypes=3000, epsilon=0.02, hidden_dim=16, output_dim=8))
    similar = torch.ones(4096, 3000)
    assert sinkhorn(similar, epsilon=method.loss.sinkhorn_epsilon).isfinite().all()
    with pytest.raises(ValidationError, match="epsilon"):
        SwAVOptions(epsilon=0.011)


def setting(instances: int, epochs: int = 200) -> Setting:
    steps = {"steps": 10 * epochs, "steps_per_epoch": 10}
    return Setting(None, instances=instances, draws=instances, hard_negatives=0, **steps)


@pytest.mark.parametrize(
    ("changes", "instances", "epochs", "expected"),
    [
        ({}, 4096, 200, []),
        ({"queue": 3840}, 256, 200, []),
        ({"queue": 3840}, 100, 200, ["queue"]),
        ({"queue": 3840}, 256, 15, ["queue_epochs"]),
        ({}, 4096, 1, ["frozen_epochs"]),
        ({}, 256, 200, ["prototypes"]),
    ],
)
def test_settings_that_do_not_fit(
    changes: dict[str, int], instances: int, epochs: int, expected: list[str]
) -> None:
    problems = SwAVOptions(**changes).problems(setting(instances, epochs))
    assert [problem.option for problem in problems] == expected
