"""Workers and torch share the cores, and torch gets its threads back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.runs import write_recipe

from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions
from ssltoolbox.engine.core import cores
from ssltoolbox.engine.core.components import Components
from ssltoolbox.plan import load_plan

SMALL_NET, RESNET_18, RESNET_50 = 7e6, 970e6, 8.2e9
"""FLOPs of a forward pass: the quickstart's network at 48 pixels, the others at 112 and 224."""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def has(
        available: int,
        flops: float = SMALL_NET,
        gpu: bool = False,
        loading: float = 1e-3,
        preparing: float = 0.0,
    ) -> None:
        monkeypatch.setattr(cores, "cores", lambda: available)
        monkeypatch.setattr(cores, "forward_flops", lambda *_: flops)
        monkeypatch.setattr(cores, "preparing_flops", lambda *_: preparing)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        facts = SyntheticFacesOptions.facts
        monkeypatch.setattr(
            SyntheticFacesOptions, "facts", lambda self: replace(facts(self), loading=loading)
        )

    return has


def workers(recipe_path: Path, wanted: int | str = "auto", trains: bool = True, processes: int = 1) -> int:
    plan = load_plan(recipe_path, [f"trainer.workers={wanted}"])
    trained = Components(plan) if trains else None
    return cores.worker_count(plan, torch.nn.Identity(), trained, processes)


@pytest.mark.parametrize(
    ("available", "processes", "expected"), [(1, 1, 1), (2, 1, 1), (8, 1, 7), (64, 1, 8), (16, 4, 3)]
)
def test_beside_a_gpu_workers_have_all_cores_but_one(
    recipe: Path, machine: Callable[..., None], available: int, processes: int, expected: int
) -> None:
    machine(available, RESNET_50, gpu=True)
    assert workers(recipe, processes=processes) == expected


@pytest.mark.parametrize(
    ("flops", "available", "expected"),
    [
        (SMALL_NET, 1, 0),
        (SMALL_NET, 2, 1),
        (SMALL_NET, 8, 6),
        (SMALL_NET, 64, 8),
        (RESNET_18, 2, 0),
        (RESNET_18, 8, 0),
        (RESNET_18, 16, 1),
        (RESNET_18, 64, 2),
        (RESNET_50, 2, 0),
        (RESNET_50, 64, 1),
    ],
)
def test_on_a_cpu_torch_has_the_cores_that_the_network_needs(
    recipe: Path, machine: Callable[..., None], flops: float, available: int, expected: int
) -> None:
    machine(available, flops)
    assert workers(recipe) == expected


@pytest.mark.parametrize(("loading", "expected"), [(2e-3, 1), (1e-3, 0), (1e-4, 0)])
def test_what_is_cheap_to_load_needs_no_worker_of_two_cores(
    recipe: Path, machine: Callable[..., None], loading: float, expected: int
) -> None:
    machine(2, 5 * SMALL_NET, loading=loading)
    assert workers(recipe) == expected


@pytest.mark.parametrize(("flops", "expected"), [(0.0, 1), (2e7, 0), (2e9, 0)])
def test_torch_prepares_images_on_all_cores_where_that_takes_longer_than_the_network(
    recipe: Path, machine: Callable[..., None], flops: float, expected: int
) -> None:
    """As where a masker has a network of its own."""
    machine(2, SMALL_NET, loading=2e-4, preparing=flops)
    assert workers(recipe) == expected


@pytest.mark.parametrize(("trains", "expected"), [(True, 1), (False, 0)])
def test_workers_prepare_what_a_network_is_trained_on(
    recipe: Path, machine: Callable[..., None], trains: bool, expected: int
) -> None:
    machine(2, flops=1.1e6, loading=1e-5)
    assert workers(recipe, trains=trains) == expected


def test_a_forward_pass_needs_fewer_cores_than_both_ways(recipe: Path, machine: Callable[..., None]) -> None:
    machine(16, 100e6)
    assert workers(recipe, trains=False) > workers(recipe)


def test_what_it_takes_to_prepare_an_image(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path), ["maskers=[{name: mask_fn, descriptor: gradients}]"])
    plain, masked = (
        cores.preparing_flops(Components(each)) for each in (load_plan(write_recipe(tmp_path)), plan)
    )
    assert 0 < plain < masked < 1e7


def test_processes_share_the_machine(recipe: Path, machine: Callable[..., None]) -> None:
    machine(8)
    assert workers(recipe, processes=4) == 1
    machine(2)
    assert workers(recipe, processes=4) == 0


@pytest.mark.parametrize("gpu", [False, True])
def test_a_number_is_taken_as_it_is(recipe: Path, machine: Callable[..., None], gpu: bool) -> None:
    machine(2, RESNET_50, gpu)
    assert workers(recipe, wanted=5, processes=4) == 5


def test_a_network_is_weighed_by_a_forward_pass(recipe: Path) -> None:
    plan = load_plan(recipe, ["backbone={name: resnet18}", "views.size=112"])
    flops = cores.forward_flops(Components(plan).backbone(), plan.image_size)
    assert flops == pytest.approx(RESNET_18, rel=0.01)


def test_workers_get_cores_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(cores, "cores", lambda: before)
    with cores.shared_with(workers=1):
        assert torch.get_num_threads() == max(1, before - 1)
    assert torch.get_num_threads() == before
    with cores.shared_with(workers=before + 5):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
