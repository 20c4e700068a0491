"""Processes that share a micro-batch prepare together what a single one prepares, to the bit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from ssltoolbox_cut_mix import CutMixOptions
from ssltoolbox_cut_mix.generator import CutMix
from ssltoolbox_face_swap import FaceSwapOptions
from ssltoolbox_face_swap.generator import FaceSwap
from torch import Tensor

from ssltoolbox.api import Options, PositiveGenerator
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core import stages as module
from ssltoolbox.engine.core.api1 import OlderGenerator
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.core.shares import part_of, renders
from ssltoolbox.engine.core.stages import Drawn, Prepared, Stages
from ssltoolbox.testing.material import batch
from ssltoolbox.views.paper import PaperView
from ssltoolbox.views.plugin import PaperOptions, StandardOptions
from ssltoolbox.views.standard import StandardView

DRAWS, HARD = 8, 1
FACES = batch(draws=DRAWS, hard=HARD)


class Unaware:
    """Draws its random numbers where it needs them."""

    def augment(self, images: Tensor, landmarks: Tensor, side: str) -> Tensor:
        return images.float() * torch.rand(len(images), 1, 1, 1)

    def crop(self, images: Tensor, landmarks: Tensor, number: int) -> Tensor:
        return images[..., :8, :8].float() * torch.rand(len(images), 1, 1, 1)

    def plain(self, images: Tensor) -> Tensor:
        return images.float()


class UnawarePairs(Unaware):
    """The same for both sides in one call."""

    def augment_pair(self, a: Tensor, points_a: Tensor, b: Tensor, points_b: Tensor) -> tuple[Tensor, Tensor]:
        factor = torch.rand(len(a), 1, 1, 1)
        return a.float() * factor, b.float() * factor


VIEWS = {
    "standard": StandardView(StandardOptions(size=24, crops=2, crop_size=16)),
    "paper": PaperView(PaperOptions(size=24, crops=2, crop_size=16)),
    "unaware": Unaware(),
    "unaware pairs": UnawarePairs(),
}
GENERATORS: dict[str, tuple[PositiveGenerator, ...]] = {
    "none": (),
    "face_swap": (FaceSwap(FaceSwapOptions(p=0.7)),),
    "cut_mix": (CutMix(CutMixOptions(p=0.7)),),
    "both": (FaceSwap(FaceSwapOptions()), CutMix(CutMixOptions())),
}


def stages(view: str, generators: str) -> Stages:
    wanted = ("view_b", "crops", "batch")
    return Stages(VIEWS[view], GENERATORS[generators], MaskerUnion(), (), seed=3, inputs=wanted, crops=2)


def shares(view: str, generators: str, ranks: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prepared]:
    """What each rank prepares; the draws of all are gathered from memory."""
    draws = DRAWS // ranks
    monkeypatch.setattr(module, "gathered", lambda own: FACES)
    for rank in range(ranks):
        own = part_of(FACES, slice(rank * draws, (rank + 1) * draws))
        yield stages(view, generators)(Drawn(Position(5, 1, rank, ranks), own))


def together(parts: list[Tensor]) -> Tensor:
    """[roles·N, …] of all ranks as a single process has them, role-major."""
    by_role = [part.unflatten(0, (1 + HARD, -1)) for part in parts]
    return torch.cat(by_role, dim=1).flatten(0, 1)


@pytest.mark.parametrize("ranks", [2, 8])
@pytest.mark.parametrize("generators", GENERATORS)
@pytest.mark.parametrize("view", VIEWS)
def test_any_number_of_ranks(view: str, generators: str, ranks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = stages(view, generators)(Drawn(Position(5, 1), FACES))
    of_ranks = list(shares(view, generators, ranks, monkeypatch))
    for name in ("view_a", "view_b"):
        found = together([getattr(part.inputs, name) for part in of_ranks])
        torch.testing.assert_close(found, getattr(alone.inputs, name), rtol=1e-6, atol=1e-6)
    for number, crop in enumerate(alone.inputs.crops):
        found = together([part.inputs.crops[number] for part in of_ranks])
        torch.testing.assert_close(found, crop, rtol=1e-6, atol=1e-6)
    frames = torch.cat([part.inputs.batch.frames for part in of_ranks])
    assert torch.equal(frames, alone.inputs.batch.frames)
    assert {
        name: sum(part.counts.get(name, 0) for part in of_ranks) for name in alone.counts if "p" in name
    } == {name: count for name, count in alone.counts.items() if "p" in name}


def test_ranks_do_not_repeat_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images that are equal, on two ranks, are augmented differently."""
    first, second = (part.inputs.view_a for part in shares("standard", "none", 2, monkeypatch))
    torch.manual_seed(0)
    assert not torch.allclose(first, second)


class Picks(PositiveGenerator[Options]):
    """Chooses frames and leaves pixels alone."""


@pytest.mark.parametrize(
    ("generator", "expected"),
    [
        (Picks(Options()), False),
        (OlderGenerator(Picks(Options())), False),
        (FaceSwap(FaceSwapOptions()), True),
        (OlderGenerator(CutMix(CutMixOptions())), True),
    ],
)
def test_which_generators_look_at_other_draws(generator: PositiveGenerator, expected: bool) -> None:
    assert renders(generator) is expected


@pytest.mark.parametrize(
    ("view", "generators", "expected"),
    [("standard", "none", False), ("paper", "face_swap", True), ("unaware", "none", True)],
)
def test_workers_prepare_what_needs_no_other_process(view: str, generators: str, expected: bool) -> None:
    assert stages(view, generators).needs_all_draws is expected
