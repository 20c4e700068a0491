"""Two and three gloo ranks equal one process on given views: loss, gradients, and what is queued."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from helpers import cycleface
from helpers.maskers import HarderMore, LearnedThreshold
from helpers.methods import rows_for, tiny_backbone, tiny_context
from ssltoolbox_barlow_twins import BarlowTwinsOptions
from ssltoolbox_barlow_twins.method import BarlowTwins
from ssltoolbox_cycleface import CycleFaceOptions
from ssltoolbox_cycleface.method import CycleFace
from ssltoolbox_dcl import DCLOptions
from ssltoolbox_dcl.method import DCL
from ssltoolbox_dino import DINOOptions
from ssltoolbox_dino.method import DINO
from ssltoolbox_fnc import FNCOptions
from ssltoolbox_fnc.masker import FNC
from ssltoolbox_global_threshold import GlobalThresholdOptions
from ssltoolbox_global_threshold.masker import GlobalThreshold
from ssltoolbox_identity_adversary import IdentityAdversaryOptions
from ssltoolbox_identity_adversary.loss import IdentityAdversary
from ssltoolbox_moco_v3 import MoCoV3Options
from ssltoolbox_moco_v3.method import MoCoV3
from ssltoolbox_nnclr import NNCLROptions
from ssltoolbox_nnclr.method import NNCLR
from ssltoolbox_reweight import ReweightOptions
from ssltoolbox_reweight.masker import Reweight
from ssltoolbox_ring import RingOptions
from ssltoolbox_ring.masker import Ring
from ssltoolbox_simsiam import SimSiamOptions
from ssltoolbox_simsiam.method import SimSiam
from ssltoolbox_supcon import SupConOptions
from ssltoolbox_supcon.method import SupCon
from ssltoolbox_swav import SwAVOptions
from ssltoolbox_swav.method import SwAV
from ssltoolbox_vicreg import VICRegOptions
from ssltoolbox_vicreg.method import VICReg
from torch import Tensor, nn

from ssltoolbox.api import Batch, MethodContext, NegativeMasker, Options, Rows, StepInputs, UpdatedMethod
from ssltoolbox.engine.core.auxiliary import AuxiliaryLosses, Weighted
from ssltoolbox.engine.core.chunks import in_chunks
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.training.callbacks.maskers import UpdateMaskers
from ssltoolbox.methods.byol import BYOL
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import BYOLOptions, MoCoV2Options, SimCLROptions
from ssltoolbox.methods.simclr import SimCLR

pytestmark = pytest.mark.slow
DRAWS, HARD = 12, 1


class MaskNearest(NegativeMasker[Options]):
    """The candidate with the nearest descriptor; attracts."""

    attract = 0.8

    def describe(self, batch: Batch) -> Tensor:
        return torch.zeros(batch.frames.shape[0] * batch.frames.shape[1], 3)

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        distance = torch.cdist(anchors.descriptor, candidates.descriptor).masked_fill(~eligible, torch.inf)
        nearest = distance.argmin(dim=1, keepdim=True)
        return torch.zeros_like(eligible).scatter(1, nearest, True) & eligible


def maskers(kind: str) -> MaskerUnion:
    if kind in ("none", "auxiliary"):
        return MaskerUnion()
    if kind == "similarity":
        fnc = FNCOptions(top_k=2, threshold=-0.9, attract=0.5, warmup_steps=1)
        threshold = GlobalThresholdOptions(alpha=0.3, lr=0.5)
        return MaskerUnion(
            {
                "fnc": FNC(fnc),
                "reweight": Reweight(ReweightOptions()),
                "threshold": GlobalThreshold(threshold),
                "nearest": Ring(RingOptions(inner=0.0, outer=0.6)),
            }
        )
    kind = kind.removesuffix(", chunked")
    nearest = {"nearest": MaskNearest(Options())}
    if kind == "descriptors":
        return MaskerUnion(nearest)
    learned = {"threshold": LearnedThreshold(Options()), "harder": HarderMore(0.5, 1.0, differentiable=True)}
    return MaskerUnion(nearest | learned)


def auxiliary(kind: str) -> AuxiliaryLosses:
    """Losses that compare no rows, so that those of all ranks add up."""
    if kind != "auxiliary":
        return AuxiliaryLosses()
    torch.manual_seed(2)
    adversary = IdentityAdversary(IdentityAdversaryOptions(people=2 * DRAWS), tiny_context())
    return AuxiliaryLosses({"adversary": Weighted(adversary, 0.5)})


def build(name: str, maskers: MaskerUnion, distributed: bool, chunked: bool = False) -> nn.Module:
    backbone = tiny_backbone(batch_norm=False)
    context = tiny_context(
        backbone=in_chunks(backbone, 5) if chunked else backbone,
        maskers=maskers,
        instances=DRAWS * (1 + HARD),
        distributed=distributed,
    )
    torch.manual_seed(1)
    return METHODS[name](context)


def cycleface_stage1(context: MethodContext) -> CycleFace:
    """Without what is drawn at random."""
    return CycleFace(CycleFaceOptions(**cycleface.TINY, mirror=0.0, noise=False), context)


def cycleface_stage2(context: MethodContext) -> CycleFace:
    """After an untrained stage 1."""
    with tempfile.TemporaryDirectory() as folder:
        run = cycleface.run_of(cycleface_stage1(context), Path(folder) / "stage1")
        options = CycleFaceOptions(**cycleface.TINY, stage=2, stage1=run, noise=False)
        return CycleFace(options, replace(context, new_backbone=lambda: tiny_backbone(batch_norm=False)))


# The heads of some have batch norm, whose statistics are those of a rank; in eval mode it does not use them. The
# gradients of Barlow Twins, RINCE and soft contrast cancel in part, so they are computed in double precision.
METHODS: dict[str, Callable[[MethodContext], nn.Module]] = {
    "simclr": lambda context: SimCLR(SimCLROptions(hidden_dim=16, output_dim=8, batch_norm=False), context),
    "simclr, rince": lambda context: SimCLR(
        SimCLROptions(hidden_dim=16, output_dim=8, batch_norm=False, loss="rince"), context
    ).double(),
    "simclr, soft": lambda context: SimCLR(
        SimCLROptions(hidden_dim=16, output_dim=8, batch_norm=False, loss="soft_contrast"), context
    ).double(),
    "mocov2": lambda context: MoCoV2(MoCoV2Options(hidden_dim=16, output_dim=8, queue=48), context),
    "mocov2, shuffled": lambda context: MoCoV2(
        MoCoV2Options(hidden_dim=16, output_dim=8, queue=48, shuffle_keys=True), context
    ),
    "nnclr": lambda context: NNCLR(
        NNCLROptions(hidden_dim=16, prediction_dim=16, output_dim=8, support=48), context
    ).eval(),
    "byol": lambda context: BYOL(BYOLOptions(hidden_dim=16, output_dim=8), context).eval(),
    "swav": lambda context: SwAV(
        SwAVOptions(hidden_dim=16, output_dim=8, prototypes=10, queue=24, queue_epochs=1, frozen_epochs=0),
        context,
    ).eval(),
    "dino": lambda context: DINO(DINOOptions(hidden_dim=16, bottleneck_dim=8, output_dim=10), context).eval(),
    "dcl": lambda context: DCL(DCLOptions(hidden_dim=16, output_dim=8, sigma=0.5, batch_norm=False), context),
    "supcon": lambda context: SupCon(SupConOptions(hidden_dim=16, output_dim=8), context),
    "moco_v3": lambda context: MoCoV3(MoCoV3Options(hidden_dim=16, output_dim=8), context).eval(),
    "simsiam": lambda context: SimSiam(SimSiamOptions(hidden_dim=16, output_dim=8), context).eval(),
    "cycleface": cycleface_stage1,
    "cycleface, stage 2": cycleface_stage2,
    "vicreg": lambda context: VICReg(VICRegOptions(hidden_dim=16, output_dim=8), context).eval(),
    "barlow_twins": lambda context: (
        BarlowTwins(BarlowTwinsOptions(hidden_dim=16, output_dim=8), context).eval().double()
    ),
}


def step_of(draws: slice, first_draw: int) -> tuple[Tensor, Tensor, Rows]:
    """The part of a step that some of its draws make up, role-major as ever."""
    generator = torch.Generator().manual_seed(first_draw)
    view_a, view_b = torch.randn(2, 1 + HARD, DRAWS, 3, 12, 12, generator=generator)
    descriptor = torch.randn(2 * (1 + HARD), DRAWS, 3, generator=generator)
    part = descriptor[:, draws].flatten(0, 1)
    count = len(range(DRAWS)[draws])
    rows = rows_for(count, HARD, first_draw=first_draw + range(DRAWS)[draws].start)
    weight = torch.tensor([1.0, 3.0]).repeat_interleave(count).repeat(2)
    described = {"nearest": part} | dict.fromkeys(("threshold", "harder", "fnc", "reweight"), part[:, :0])
    labels = {"expression": rows.draw % 4 - 1}
    # Both steps have the same clips, so that thresholds of clips are used.
    rows = replace(rows, clip=rows.draw % DRAWS, weight=weight, descriptors=described, labels=labels)
    return view_a[:, draws].flatten(0, 1), view_b[:, draws].flatten(0, 1), rows


def two_steps(
    name: str, kind: str, ranks: int, draws: slice, average: Callable[[Tensor], Tensor]
) -> dict[str, Any]:
    """Losses of two steps, gradients after both, what is kept in queues and centres, and what was learned."""
    union = maskers(kind)
    extra = auxiliary(kind)
    method: Any = build(name, union, distributed=ranks > 1, chunked=ranks > 1 and "chunked" in kind)
    run: Any = SimpleNamespace(stages=SimpleNamespace(maskers=union), world_size=ranks)
    losses = []
    for step in range(2):
        if isinstance(method, UpdatedMethod):
            method.before_step(step)
        view_a, view_b, rows = step_of(draws, first_draw=DRAWS * step)
        view_a, view_b = (view.to(next(method.parameters())) for view in (view_a, view_b))
        crops = (view_a[..., :6, :6], view_b[..., 6:, 6:])
        inputs = StepInputs(view_a, view_b, rows, step, crops)
        with extra.recorded(method.backbone) as features:
            output = method.step(inputs)
        output = extra.added_to(output, features, inputs)
        output.loss.backward()
        losses.append(average(output.loss.detach()))
        seen = {"rows": rows, "embeddings": output.embeddings.detach(), "pairs": output.pairs.detach()}
        UpdateMaskers().on_train_batch_end(run, run, seen, batch=None, index=step)
    parameters = [*method.named_parameters(), *extra.named_parameters()]
    gradients = {n: average(p.grad) for n, p in parameters if p.grad is not None}
    queue = method.queue.draw.tolist() if hasattr(method, "queue") else []
    kept = {n: in_order(b) for n, b in method.named_buffers() if n.endswith((".bank", ".center"))}
    learned = {key: masker.state_dict() for key, masker in union.learning.items()}
    learned["auxiliary"] = dict(extra.named_buffers())
    return {
        "losses": losses,
        "gradients": gradients,
        "queue": sorted(queue),
        "kept": kept,
        "learned": learned,
    }


def in_order(kept: Tensor) -> Tensor:
    """The rows of a queue by their first number: ranks enqueue in another order than one process."""
    return kept[kept[:, 0].argsort()] if kept.ndim == 2 else kept


CASES = {
    2: [
        ("simclr", "descriptors"),
        ("simclr", "descriptors, chunked"),
        ("mocov2", "descriptors"),
        ("mocov2", "descriptors, chunked"),
        ("mocov2, shuffled", "descriptors"),
        ("byol", "none"),
        ("nnclr", "descriptors"),
        ("dcl", "descriptors"),
        ("supcon", "none"),
        ("supcon", "descriptors"),
        ("moco_v3", "descriptors"),
        ("swav", "none"),
        ("dino", "none"),
        ("simsiam", "none"),
        ("vicreg", "none"),
        ("barlow_twins", "none"),
        ("cycleface", "none"),
        ("cycleface, stage 2", "none"),
        ("simclr", "learned"),
        ("mocov2", "learned"),
        ("nnclr", "learned"),
        ("simclr", "similarity"),
        ("mocov2", "similarity"),
        ("simclr", "auxiliary"),
        ("simclr, rince", "descriptors"),
        ("simclr, soft", "descriptors"),
    ],
    3: [("simclr", "descriptors"), ("mocov2", "descriptors"), ("byol", "none")],
}
"""Ranks → the methods and the kinds of maskers."""


def on_rank(rank: int, ranks: int, folder: str) -> None:
    """Takes the steps of all cases with the draws of a rank."""
    torch.set_num_threads(1)
    init = f"file://{folder}/rendezvous"
    torch.distributed.init_process_group("gloo", init_method=init, rank=rank, world_size=ranks)

    def average(value: Tensor) -> Tensor:
        value = value.clone()
        torch.distributed.all_reduce(value)
        return value / ranks

    size = DRAWS // ranks
    own = slice(rank * size, (rank + 1) * size)
    results = {(name, kind): two_steps(name, kind, ranks, own, average) for name, kind in CASES[ranks]}
    torch.save(results, os.path.join(folder, f"{rank}.pt"))
    torch.distributed.destroy_process_group()


@functools.cache
def together(ranks: int) -> list[dict[tuple[str, str], dict[str, Any]]]:
    """The results of each rank. All cases share their processes, since these take long to start."""
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(on_rank, (ranks, folder), nprocs=ranks)
        return [torch.load(Path(folder) / f"{rank}.pt") for rank in range(ranks)]


@pytest.mark.parametrize(
    ("name", "kind", "ranks"), [(*case, ranks) for ranks, cases in CASES.items() for case in cases]
)
def test_ranks_equal_one_process(name: str, kind: str, ranks: int) -> None:
    alone = two_steps(name, kind, 1, slice(None), lambda value: value)
    assert kind != "learned" or alone["learned"]["threshold"]["threshold"] != 0.5
    results = [of_rank[name, kind] for of_rank in together(ranks)]
    for result in results:
        torch.testing.assert_close(result["losses"], alone["losses"])
        assert result["gradients"].keys() == alone["gradients"].keys()
        for parameter, gradient in alone["gradients"].items():
            torch.testing.assert_close(result["gradients"][parameter], gradient, msg=parameter)
        assert result["queue"] == alone["queue"]
        torch.testing.assert_close(result["kept"], alone["kept"])
        torch.testing.assert_close(result["learned"], alone["learned"])
        torch.testing.assert_close(result["learned"], results[0]["learned"], rtol=0, atol=0)
