"""A network in chunks gives what it gives as a whole, and holds the activations of a chunk."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.maskers import HarderMore
from helpers.methods import rows_for, tiny_backbone, tiny_context
from torch import Tensor, nn

from ssltoolbox.api import Batch, MethodContext, NegativeMasker, Options, Rows, StepInputs, UpdatedMethod
from ssltoolbox.engine.core.chunks import in_chunks
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.methods.byol import BYOL
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import BYOLOptions, MoCoV2Options, SimCLROptions
from ssltoolbox.methods.simclr import SimCLR

DRAWS, HARD = 5, 1
INSTANCES = DRAWS * (1 + HARD)


class MaskThird(NegativeMasker[Options]):
    """Candidates whose draw, with that of the row, divides by three; attracts."""

    attract = 0.8

    def describe(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        return eligible & ((anchors.draw[:, None] + candidates.draw) % 3 == 0)


METHODS: dict[str, Callable[[MethodContext], nn.Module]] = {
    "simclr": lambda context: SimCLR(SimCLROptions(hidden_dim=16, output_dim=8), context),
    "mocov2": lambda context: MoCoV2(
        MoCoV2Options(hidden_dim=16, output_dim=8, queue=2 * INSTANCES), context
    ),
    "byol": lambda context: BYOL(BYOLOptions(hidden_dim=16, output_dim=8), context),
}


def two_steps(
    name: str, chunk_size: int | None, most_pairs: int | None = None
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """The losses and the gradients of two steps, with maskers and weighted hard negatives."""
    torch.manual_seed(0)
    backbone = tiny_backbone(batch_norm=False)
    if chunk_size:
        backbone = in_chunks(backbone, chunk_size)
    maskers: dict[str, Any] = {"third": MaskThird(Options()), "harder": HarderMore(0.5, 1.0, True)}
    context = tiny_context(backbone=backbone, maskers=MaskerUnion(maskers), instances=INSTANCES)
    torch.manual_seed(1)
    method: Any = METHODS[name](context).double()
    if most_pairs:
        method.loss.most_pairs = most_pairs
    generator = torch.Generator().manual_seed(2)
    losses = []
    for step in range(2):
        views = torch.randn(2, INSTANCES, 3, 12, 12, generator=generator, dtype=torch.float64)
        descriptors = {key: torch.zeros(2 * INSTANCES, 1) for key in maskers}
        rows = rows_for(DRAWS, HARD, first_draw=step * DRAWS)
        weight = torch.tensor([1.0, 4.0]).repeat(2).repeat_interleave(DRAWS)
        rows = Rows(rows.draw, rows.clip, rows.identity, rows.time, weight=weight, descriptors=descriptors)
        if isinstance(method, UpdatedMethod):
            method.before_step(step)
        loss = method.step(StepInputs(views[0], views[1], rows, step)).loss
        loss.backward()
        losses.append(loss.detach())
    return losses, {name: p.grad for name, p in method.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", METHODS)
def test_loss_and_gradients_are_those_of_the_batch(name: str) -> None:
    losses, gradients = two_steps(name, None)
    chunked_losses, chunked_gradients = two_steps(name, 3)
    torch.testing.assert_close(chunked_losses, losses)
    assert any(name.startswith("backbone") for name in gradients)
    torch.testing.assert_close(chunked_gradients, gradients)


@pytest.mark.parametrize("name", ["simclr", "mocov2"])
def test_chunks_and_blocks_of_the_loss_go_together(name: str) -> None:
    torch.testing.assert_close(two_steps(name, 3, most_pairs=60), two_steps(name, None))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(tiny_backbone(), nn.Linear(8, 8), nn.Dropout(0.5))


def passed(whole: Callable[[Tensor], Tensor], model: nn.Module) -> list[Tensor]:
    """The features, the gradients and the state after two passes and a backward pass."""
    images = torch.randn(2, 10, 3, 12, 12, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(4)
    features = torch.cat([whole(images[0]), whole(images[1])])
    features.square().sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    return [features.detach(), *gradients, *(buffer.clone() for buffer in model.buffers())]


def test_the_second_pass_repeats_random_numbers_and_leaves_statistics() -> None:
    plain, chunked = network(), in_chunks(network(), 4)

    def by_hand(images: Tensor) -> Tensor:
        return torch.cat([plain(chunk) for chunk in images.tensor_split(3)])

    expected = passed(by_hand, plain)
    actual = passed(chunked, chunked)
    assert any(buffer.numel() == 1 and int(buffer) == 6 for buffer in plain.buffers())
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other)


def saved_bytes(model: nn.Module) -> int:
    """Bytes that autograd keeps between the passes."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    images = torch.randn(64, 3, 32, 32)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(images)
    return sum(kept.values()) - images.nbytes


def test_no_activations_are_kept() -> None:
    """Only the images, which exist anyway."""
    assert saved_bytes(tiny_backbone()) > 500_000
    assert saved_bytes(in_chunks(tiny_backbone(), 8)) <= 0


def test_evaluation_takes_a_batch_at_once() -> None:
    model = in_chunks(tiny_backbone(), 2).eval()
    sizes: list[int] = []
    model[0].register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    images = torch.randn(6, 3, 12, 12)
    torch.testing.assert_close(model(images), tiny_backbone().eval()(images))
    assert sizes == [6]


def test_a_copy_and_its_names_are_those_of_the_network() -> None:
    plain, model = tiny_backbone(), in_chunks(tiny_backbone(), 2)
    copied = copy.deepcopy(model)
    assert isinstance(copied, nn.Sequential)
    assert list(copied.state_dict()) == list(plain.state_dict())
    copied[0].weight.data.zero_()
    sizes: list[int] = []
    copied[0].register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    with torch.no_grad():
        assert not torch.equal(copied(torch.randn(6, 3, 12, 12)), model(torch.randn(6, 3, 12, 12)))
    assert sizes == [2, 2, 2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_reduced_precision_is_repeated(dtype: torch.dtype) -> None:
    images = torch.randn(9, 3, 12, 12)
    plain, chunked = tiny_backbone(False), in_chunks(tiny_backbone(False), 3)
    with torch.autocast("cpu", dtype):
        features = torch.cat([plain(chunk) for chunk in images.tensor_split(3)])
        chunked_features = chunked(images)
    for each in (features, chunked_features):
        each.float().square().sum().backward()
    assert chunked_features.dtype == dtype
    for one, other in zip(chunked.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
