"""DINO is lightly's own loop, with local crops, a warm-up and a frozen last layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers.crops import COUNT, PER_EPOCH, STEPS, Images, crops_context, images, inputs, losses_of
from lightly.loss import DINOLoss
from lightly.models.utils import update_momentum
from lightly.utils.scheduler import cosine_schedule
from ssltoolbox_dino import DINOOptions
from ssltoolbox_dino.method import DINO
from torch import Tensor

from ssltoolbox.api import Setting

WARMUP = 3
OPTIONS = DINOOptions(hidden_dim=16, bottleneck_dim=8, output_dim=10, warmup_teacher_epochs=WARMUP)


def build(**changes: object) -> DINO:
    return DINO(OPTIONS.model_copy(update=changes), crops_context())


def test_twenty_steps_are_those_of_a_plain_lightly_loop() -> None:
    method, twin = build(), build()
    backbone, head = twin.backbone, twin.head
    teacher_backbone, teacher_head = twin.teacher_backbone, twin.teacher_head
    criterion = DINOLoss(10, warmup_teacher_temp=0.04, teacher_temp=0.07, warmup_teacher_temp_epochs=WARMUP)

    def plain(step: int, given: Images) -> Tensor:
        view_a, view_b, crops = given
        momentum = cosine_schedule(step, STEPS, 0.996, 1.0)
        update_momentum(backbone, teacher_backbone, momentum)
        update_momentum(head, teacher_head, momentum)
        large = torch.cat([view_a, view_b])
        with torch.no_grad():
            taught = teacher_head(teacher_backbone(large)).split(COUNT)
        learned = head(torch.cat([backbone(large), backbone(torch.cat(crops))])).split(COUNT)
        return criterion(list(taught), list(learned), epoch=step // PER_EPOCH)

    def freeze(step: int) -> None:
        if step < PER_EPOCH:
            for parameter in head.last_layer.parameters():
                parameter.grad = None

    def step_loss(step: int, given: Images) -> Tensor:
        method.before_step(step)
        return method.step(inputs(step, given)).loss

    theirs = losses_of([*backbone.parameters(), *head.parameters()], plain, freeze)
    ours = losses_of(list(method.parameters()), step_loss, method.after_backward)
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), rtol=1e-5, atol=1e-6)
    assert ours[-1] != ours[0]


def test_the_loss_is_precise_in_reduced_precision() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        output = build().step(inputs(0, images()[0]))
    assert output.loss.dtype == torch.float32
    torch.testing.assert_close(output.loss, build().step(inputs(0, images()[0])).loss, rtol=0.02, atol=0)


def test_the_loss_is_the_papers_formula() -> None:
    """Each output of the teacher, centred, with each other image of the student."""
    method = build(warmup_teacher_temperature=0.05).eval()
    method.loss.center.copy_(torch.linspace(-0.1, 0.1, 10))
    center, given = method.loss.center.clone()[0], images()[0]
    with torch.no_grad():
        found = method.step(inputs(0, given)).loss
        view_a, view_b, crops = given
        student = [method.head(method.backbone(image)) for image in (view_a, view_b, *crops)]
        terms = []
        for t, view in enumerate((view_a, view_b)):
            taught = ((method.teacher_head(method.teacher_backbone(view)) - center) / 0.05).softmax(dim=1)
            for s, learned in enumerate(student):
                if s != t:
                    terms.append(-(taught * F.log_softmax(learned / 0.1, dim=1)).sum(dim=1).mean())
    assert len(terms) == 8
    torch.testing.assert_close(found, torch.stack(terms).mean())
    assert not torch.equal(method.loss.center[0], center)


def test_the_last_layer_is_frozen_in_the_first_epoch() -> None:
    method = build()
    for step, learns in ((PER_EPOCH - 1, False), (PER_EPOCH, True)):
        method.zero_grad()
        method.step(inputs(step, images()[0])).loss.backward()
        method.after_backward(step)
        assert (method.head.last_layer.weight_v.grad is not None) == learns


def test_teacher_and_centre_are_saved() -> None:
    saved = set(build().state_dict())
    assert saved >= {"loss.center", "teacher_backbone.0.weight", "teacher_head.last_layer.weight_v"}


@pytest.mark.parametrize("unit", [True, False])
def test_outputs_keep_the_length_of_their_weights_or_not(unit: bool) -> None:
    head = build(unit_last_layer=unit).head
    assert head.last_layer.weight_g.requires_grad != unit


@pytest.mark.parametrize(
    ("changes", "epochs", "expected"),
    [
        ({}, 100, []),
        ({}, 20, ["warmup_teacher_epochs"]),
        ({"teacher_temperature": 0.04}, 20, []),
        ({}, 1, ["frozen_epochs", "warmup_teacher_epochs"]),
    ],
)
def test_a_run_that_is_too_short_for_its_settings(
    changes: dict[str, float], epochs: int, expected: list[str]
) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, steps=10 * epochs, steps_per_epoch=10)
    problems = list(DINOOptions(**changes).problems(setting))
    assert [problem.option for problem in problems] == expected
    assert all(problem.warning for problem in problems)
