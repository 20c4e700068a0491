"""MaskFN in SimCLR and MoCo-v2: it masks, it attracts, and the gradients are finite."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from helpers.methods import tiny_context
from ssltoolbox_mask_fn import MaskFNOptions
from ssltoolbox_mask_fn.masker import MaskFN

from ssltoolbox.api import Batch, Rows, StepInputs, StepOutput
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.core.stages import role_major, rows_of
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import MoCoV2Options, SimCLROptions
from ssltoolbox.methods.simclr import SimCLR

INSTANCES = 16


class Learner:
    """A method with MaskFN, and the step from a batch as the engine goes it."""

    def __init__(self, name: str, **options: object) -> None:
        self.maskers = MaskerUnion({"mask_fn": MaskFN(MaskFNOptions(descriptor="gradients", **options))})
        context = tiny_context(maskers=self.maskers, instances=INSTANCES)
        torch.manual_seed(0)
        self.method: SimCLR | MoCoV2
        if name == "simclr":
            self.method = SimCLR(SimCLROptions(hidden_dim=16, output_dim=8), context)
        else:
            self.method = MoCoV2(MoCoV2Options(hidden_dim=16, output_dim=8, queue=2 * INSTANCES), context)

    def rows(self, batch: Batch) -> Rows:
        return rows_of(batch, self.maskers.describe(batch))

    def step(self, batch: Batch) -> StepOutput:
        rows = self.rows(batch)
        views = [role_major(side).float() / 255 for side in (batch.sources, batch.positives)]
        output = self.method.step(StepInputs(*views, rows))
        self.method.zero_grad()
        output.loss.backward()
        return output

    def gradients_are_finite(self) -> bool:
        learnt = [p.grad for p in self.method.parameters() if p.grad is not None]
        return bool(learnt) and all(gradient.isfinite().all() for gradient in learnt)


@pytest.mark.parametrize("name", ["simclr", "mocov2"])
@pytest.mark.parametrize("options", [{}, {"attract": 0.0}, {"top_k": 3, "threshold": 0.5}])
def test_steps_with_mask_fn_are_finite_and_mask_rows(
    name: str, options: dict[str, float], faces: Batch
) -> None:
    learner = Learner(name, **options)
    for step in range(3):
        output = learner.step(replace(faces, draw=faces.draw + 8 * step))
        assert output.loss.isfinite()
        assert learner.gradients_are_finite()
    assert output.terms["masked_share"] > 0
    assert (output.terms["attract_loss"] > 0) == (options.get("attract", 1) > 0)


@pytest.mark.parametrize("name", ["simclr", "mocov2"])
def test_without_landmarks_nothing_is_masked(name: str, faces: Batch) -> None:
    learner = Learner(name)
    blind = replace(faces, landmarks=torch.full_like(faces.landmarks, torch.nan))
    for step in range(2):
        output = learner.step(replace(blind, draw=faces.draw + 8 * step))
        assert output.terms["masked_share"] == 0
        assert output.loss.isfinite()
        assert learner.gradients_are_finite()


def test_the_own_draw_is_never_masked(faces: Batch) -> None:
    """Though its frames are the most alike: in all 32 rows another person is picked."""
    learner = Learner("simclr")
    rows = learner.rows(faces)
    masked = learner.maskers.mask(rows, rows).masked
    assert (masked.sum(dim=1) == 1).all()
    assert not masked[rows.draw[:, None] == rows.draw].any()


def test_a_batch_of_a_single_draw_is_masked_nowhere(faces: Batch) -> None:
    one = replace(
        faces,
        **{
            name: getattr(faces, name)[:1]
            for name in ("frames", "landmarks", "draw", "clip", "identity", "time")
        },
        labels={},
    )
    learner = Learner("simclr")
    output = learner.step(one)
    assert output.loss.isfinite()
    assert output.terms["masked_share"] == 0
