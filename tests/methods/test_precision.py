"""Losses are computed in single precision, whatever the precision of the networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from helpers.methods import rows_for, tiny_backbone, tiny_context
from ssltoolbox_barlow_twins import BarlowTwinsOptions
from ssltoolbox_barlow_twins.method import BarlowTwins
from ssltoolbox_dcl import DCLOptions
from ssltoolbox_dcl.method import DCL
from ssltoolbox_moco_v3 import MoCoV3Options
from ssltoolbox_moco_v3.method import MoCoV3
from ssltoolbox_nnclr import NNCLROptions
from ssltoolbox_nnclr.method import NNCLR
from ssltoolbox_simsiam import SimSiamOptions
from ssltoolbox_simsiam.method import SimSiam
from ssltoolbox_supcon import SupConOptions
from ssltoolbox_supcon.method import SupCon
from ssltoolbox_swav import SwAVOptions
from ssltoolbox_swav.method import SwAV
from ssltoolbox_vicreg import VICRegOptions
from ssltoolbox_vicreg.method import VICReg
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.methods.byol import BYOL
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import BYOLOptions, MoCoV2Options, SimCLROptions, SupervisedOptions
from ssltoolbox.methods.simclr import SimCLR
from ssltoolbox.methods.supervised import Supervised

SIZES = {"hidden_dim": 16, "output_dim": 8}
METHODS: dict[str, Callable[[MethodContext], nn.Module]] = {
    "simclr": lambda context: SimCLR(SimCLROptions(**SIZES), context),
    "simclr, rince": lambda context: SimCLR(SimCLROptions(**SIZES, loss="rince"), context),
    "simclr, soft": lambda context: SimCLR(SimCLROptions(**SIZES, loss="soft_contrast"), context),
    "mocov2": lambda context: MoCoV2(MoCoV2Options(**SIZES, queue=32), context),
    "byol": lambda context: BYOL(BYOLOptions(**SIZES), context),
    "supervised": lambda context: Supervised(SupervisedOptions(), context),
    "barlow_twins": lambda context: BarlowTwins(BarlowTwinsOptions(**SIZES), context),
    "dcl": lambda context: DCL(DCLOptions(**SIZES, sigma=0.5), context),
    "moco_v3": lambda context: MoCoV3(MoCoV3Options(**SIZES), context),
    "nnclr": lambda context: NNCLR(NNCLROptions(**SIZES, prediction_dim=16, support=32), context),
    "simsiam": lambda context: SimSiam(SimSiamOptions(**SIZES), context),
    "supcon": lambda context: SupCon(SupConOptions(**SIZES), context),
    "swav": lambda context: SwAV(SwAVOptions(**SIZES, prototypes=10, queue=0), context),
    "vicreg": lambda context: VICReg(VICRegOptions(**SIZES), context),
}


def round_outputs(network: nn.Module, dtype: torch.dtype) -> None:
    """The network computes in float32, and its outputs are rounded to bf16 and given as `dtype`."""
    forward = network.forward

    def rounded(images: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return forward(images.float()).bfloat16().to(dtype)

    network.forward = rounded


def step(name: str, dtype: torch.dtype) -> StepOutput:
    """A step on embeddings that are the same for each `dtype`."""
    torch.manual_seed(1)
    method = METHODS[name](tiny_context(backbone=tiny_backbone()))
    for part, network in method.named_children():
        if part not in ("loss", "prototypes", "queue", "queues", "support"):
            round_outputs(network, dtype)
    views = torch.randn(2, 8, 3, 12, 12, generator=torch.Generator().manual_seed(2))
    rows = rows_for(8)
    rows = replace(rows, labels={"expression": rows.draw % 3})
    output: StepOutput = method.step(StepInputs(*views, rows))
    return output


@pytest.mark.parametrize("name", METHODS)
def test_autocast_does_not_change_the_loss_of_given_embeddings(name: str) -> None:
    expected = step(name, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = step(name, torch.bfloat16)
    assert found.loss.dtype == torch.float32
    torch.testing.assert_close(found.loss, expected.loss, rtol=1e-5, atol=1e-6)
    found.loss.backward()
