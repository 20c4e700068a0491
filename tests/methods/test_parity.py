"""With strategies off, each method is the hand-written lightly way: the same losses over twenty steps."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from helpers.methods import rows_for, tiny_context
from lightly.loss import (
    BarlowTwinsLoss,
    DCLLoss,
    DCLWLoss,
    NegativeCosineSimilarity,
    NTXentLoss,
    VICRegLoss,
)
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from ssltoolbox_barlow_twins import BarlowTwinsOptions
from ssltoolbox_barlow_twins.method import BarlowTwins
from ssltoolbox_dcl import DCLOptions
from ssltoolbox_dcl.method import DCL
from ssltoolbox_moco_v3 import MoCoV3Options
from ssltoolbox_moco_v3.method import MoCoV3
from ssltoolbox_simsiam import SimSiamOptions
from ssltoolbox_simsiam.method import SimSiam
from ssltoolbox_vicreg import VICRegOptions
from ssltoolbox_vicreg.method import VICReg
from torch import nn

from ssltoolbox.api import Method, StepInputs, UpdatedMethod
from ssltoolbox.methods.byol import BYOL
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import BYOLOptions, MoCoV2Options, SimCLROptions
from ssltoolbox.methods.simclr import SimCLR


def our_losses(
    method: Method, views: list[tuple[torch.Tensor, torch.Tensor]], lr: float = 0.05
) -> list[float]:
    optimiser = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=lr, momentum=0.9)
    losses = []
    for step, (view_a, view_b) in enumerate(views):
        if isinstance(method, UpdatedMethod):
            method.before_step(step)
        loss = method.step(StepInputs(view_a, view_b, rows_for(8, first_draw=8 * step))).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def plain_losses(
    modules: list[nn.Module],
    step_loss: Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor],
    views: list[tuple[torch.Tensor, torch.Tensor]],
    lr: float = 0.05,
) -> list[float]:
    parameters = [p for module in modules for p in module.parameters()]
    optimiser = torch.optim.SGD(parameters, lr=lr, momentum=0.9)
    losses = []
    for step, (view_a, view_b) in enumerate(views):
        loss = step_loss(step, view_a, view_b)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def frozen_copy(module: nn.Module) -> nn.Module:
    copied = copy.deepcopy(module)
    deactivate_requires_grad(copied)
    return copied


def in_double(views: list[tuple[torch.Tensor, torch.Tensor]]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """For methods whose rounding errors grow from step to step."""
    return [(view_a.double(), view_b.double()) for view_a, view_b in views]


def check_equal(ours: list[float], theirs: list[float]) -> None:
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), rtol=1e-5, atol=1e-6)
    assert ours[-1] != ours[0]


def test_simclr_equals_a_plain_loop_on_lightly(views: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    method = SimCLR(SimCLROptions(hidden_dim=16, output_dim=8), tiny_context())
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    criterion = NTXentLoss(temperature=0.1)

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        return criterion(head(backbone(view_a)), head(backbone(view_b)))

    check_equal(our_losses(method, views), plain_losses([backbone, head], step_loss, views))


def test_mocov2_equals_a_plain_lightly_loop(views: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    options = MoCoV2Options(hidden_dim=16, output_dim=8, queue=24)
    method = MoCoV2(options, tiny_context())
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    key_backbone, key_head = frozen_copy(backbone), frozen_copy(head)
    criterion = NTXentLoss(temperature=0.2, memory_bank_size=(24, 8))
    criterion.memory_bank.bank.copy_(method.loss.memory_bank.bank)

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        update_momentum(backbone, key_backbone, 0.999)
        update_momentum(head, key_head, 0.999)
        query = head(backbone(view_a))
        with torch.no_grad():
            key = key_head(key_backbone(view_b))
        return criterion(query, key)

    check_equal(our_losses(method, views), plain_losses([backbone, head], step_loss, views))


def test_byol_equals_a_plain_loop_on_lightly(views: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    method = BYOL(BYOLOptions(hidden_dim=16, output_dim=8), tiny_context())
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    prediction = copy.deepcopy(method.prediction)
    target_backbone, target_head = frozen_copy(backbone), frozen_copy(head)
    criterion = NegativeCosineSimilarity()

    def student(view: torch.Tensor) -> torch.Tensor:
        return prediction(head(backbone(view)))

    def teacher(view: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return target_head(target_backbone(view))

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        momentum = cosine_schedule(step, 20, 0.99, 1)
        update_momentum(backbone, target_backbone, momentum)
        update_momentum(head, target_head, momentum)
        predicted_a, target_a = student(view_a), teacher(view_a)
        predicted_b, target_b = student(view_b), teacher(view_b)
        return 0.5 * (criterion(predicted_a, target_b) + criterion(predicted_b, target_a))

    check_equal(our_losses(method, views), plain_losses([backbone, head, prediction], step_loss, views))


def test_simsiam_equals_a_plain_loop_on_lightly(views: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    method = SimSiam(SimSiamOptions(output_dim=16, hidden_dim=4), tiny_context())
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    prediction = copy.deepcopy(method.prediction)
    criterion = NegativeCosineSimilarity()

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        z_a, z_b = head(backbone(view_a)), head(backbone(view_b))
        p_a, p_b = prediction(z_a), prediction(z_b)
        return 0.5 * (criterion(p_a, z_b.detach()) + criterion(p_b, z_a.detach()))

    check_equal(our_losses(method, views), plain_losses([backbone, head, prediction], step_loss, views))


def test_vicreg_equals_a_plain_loop_on_lightly(views: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    method = VICReg(VICRegOptions(hidden_dim=16, output_dim=8), tiny_context())
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    criterion = VICRegLoss()

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        return criterion(head(backbone(view_a)), head(backbone(view_b)))

    check_equal(our_losses(method, views, lr=1e-3), plain_losses([backbone, head], step_loss, views, lr=1e-3))


def test_barlow_twins_equals_a_plain_loop_on_lightly(
    views: list[tuple[torch.Tensor, torch.Tensor]],
) -> None:
    method = BarlowTwins(BarlowTwinsOptions(hidden_dim=16, output_dim=8), tiny_context())
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    criterion = BarlowTwinsLoss()

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        return criterion(head(backbone(view_a)), head(backbone(view_b)))

    check_equal(our_losses(method, views, lr=1e-3), plain_losses([backbone, head], step_loss, views, lr=1e-3))


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning")  # in lightly's weights
@pytest.mark.parametrize("sigma", [None, 0.5])
def test_dcl_equals_a_plain_loop_on_lightly(
    sigma: float | None, views: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    method = DCL(DCLOptions(hidden_dim=16, output_dim=8, sigma=sigma), tiny_context()).double()
    views = in_double(views)
    backbone, head = copy.deepcopy(method.backbone), copy.deepcopy(method.projection)
    criterion = DCLLoss(0.1) if sigma is None else DCLWLoss(0.1, sigma)

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        return criterion(head(backbone(view_a)), head(backbone(view_b)))

    check_equal(our_losses(method, views), plain_losses([backbone, head], step_loss, views))


def published_moco_v3_head(layers: int, input_dim: int, last_norm: bool = True) -> nn.Sequential:
    """A head of the authors' code for 16 hidden and 8 output numbers."""
    head = nn.Sequential()
    for layer in range(layers):
        last = layer == layers - 1
        output_dim = 8 if last else 16
        head.append(nn.Linear(input_dim, output_dim, bias=False))
        if not last:
            head.extend([nn.BatchNorm1d(output_dim), nn.ReLU()])
        elif last_norm:
            head.append(nn.BatchNorm1d(output_dim, affine=False))
        input_dim = output_dim
    return head.double()


@pytest.mark.parametrize(
    ("options", "layers", "last_norm"),
    [({}, 3, True), ({"projection_layers": 2, "prediction_norm": False}, 2, False)],
    ids=["vision transformers", "ResNets"],
)
def test_moco_v3_equals_the_papers_pseudocode(
    options: dict[str, int], layers: int, last_norm: bool, views: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    method = MoCoV3(MoCoV3Options(hidden_dim=16, output_dim=8, **options), tiny_context()).double()
    views = in_double(views)
    backbone = copy.deepcopy(method.backbone)
    head = published_moco_v3_head(layers, input_dim=8)
    head.load_state_dict(method.projection.layers.state_dict())
    prediction = published_moco_v3_head(2, input_dim=8, last_norm=last_norm)
    prediction.load_state_dict(method.prediction.layers.state_dict())
    key_backbone, key_head = frozen_copy(backbone), frozen_copy(head)

    def keys(view: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return F.normalize(key_head(key_backbone(view)), dim=1)

    def contrast(view: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        query = F.normalize(prediction(head(backbone(view))), dim=1)
        return 2 * 0.2 * F.cross_entropy(query @ key.T / 0.2, torch.arange(len(key)))

    def step_loss(step: int, view_a: torch.Tensor, view_b: torch.Tensor) -> torch.Tensor:
        momentum = 1 - 0.01 * (math.cos(math.pi * step / 19) + 1) / 2
        update_momentum(backbone, key_backbone, momentum)
        update_momentum(head, key_head, momentum)
        return contrast(view_a, keys(view_b)) + contrast(view_b, keys(view_a))

    check_equal(our_losses(method, views), plain_losses([backbone, head, prediction], step_loss, views))
