"""Patches come from other clips, have the drawn area, and leave all else alone."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import ssltoolbox_cut_mix
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ssltoolbox_cut_mix import CutMixOptions
from ssltoolbox_cut_mix.generator import CutMix

from ssltoolbox.api import Batch, DataFacts, PositiveGenerator, Setting

SIZE = 20


def numbered(draws: int, hard: int = 1) -> Batch:
    """Every frame in one colour, its number; two draws of each clip."""
    roles = 2 * (1 + hard)
    codes = torch.arange(draws * roles, dtype=torch.uint8).view(draws, roles)
    return Batch(
        frames=codes[..., None, None, None].expand(-1, -1, 3, SIZE, SIZE).contiguous(),
        landmarks=torch.rand(draws, roles, 68, 2),
        draw=torch.arange(draws),
        clip=(torch.arange(draws) // 2)[:, None].expand(draws, roles),
        identity=(torch.arange(draws) // 2)[:, None].expand(draws, roles),
        time=torch.zeros(draws, roles, dtype=torch.float64),
        counts={"frames_read": 5},
    )


def render(batch: Batch, seed: int = 0, **options: Any) -> Batch:
    torch.manual_seed(seed)
    return CutMix(CutMixOptions(**options)).render(batch)


def patches(before: Batch, after: Batch) -> torch.Tensor:
    """[N, R, S, S] bool."""
    return (before.frames != after.frames).any(2)


@given(
    draws=st.integers(3, 8), hard=st.integers(0, 2), seed=st.integers(0, 2**32 - 1), alpha=st.floats(0.05, 20)
)
@settings(max_examples=60, deadline=None)
def test_a_patch_is_one_square_of_one_source_of_another_clip(
    draws: int, hard: int, seed: int, alpha: float
) -> None:
    batch, instances = numbered(draws, hard), 1 + hard
    before = batch.frames.clone()
    mixed = render(batch, seed, p=1.0, alpha=alpha)
    assert torch.equal(batch.frames, before)
    assert torch.equal(mixed.sources, batch.sources)
    for draw, role in torch.cartesian_prod(
        torch.arange(draws), torch.arange(instances, 2 * instances)
    ).tolist():
        patch = patches(batch, mixed)[draw, role]
        if not patch.any():
            continue
        rows, columns = patch.any(1).nonzero().flatten(), patch.any(0).nonzero().flatten()
        height, width = (int(line[-1] - line[0]) + 1 for line in (rows, columns))
        assert height == width
        assert patch.sum() == height * width
        (code,) = mixed.frames[draw, role, :, patch].unique().tolist()
        donor, donor_role = divmod(code, 2 * instances)
        assert donor_role < instances
        assert batch.clip[donor, 0] != batch.clip[draw, 0]


def test_all_channels_of_a_patch_come_from_the_same_place() -> None:
    batch = numbered(4)
    torch.manual_seed(3)
    batch = replace(batch, frames=torch.randint(0, 256, batch.frames.shape, dtype=torch.uint8))
    mixed = render(batch, p=1.0)
    own, donors = batch.positives[:1, 0], batch.sources[2:].flatten(0, 1)
    same = (torch.cat([own, donors]) == mixed.positives[0, 0]).all(1)
    assert same.any(0).all()
    assert same[0].any()
    assert same[1:].flatten(1).any(1).sum() == 1


@pytest.mark.parametrize(("alpha", "deviation"), [(0.2, 0.4226), (1.0, 0.2887), (8.0, 0.1213)])
def test_areas_follow_the_beta_distribution(alpha: float, deviation: float) -> None:
    """Mean 1/2 and standard deviation 1/(2√(2α + 1)), to the rounding of sides to whole pixels."""
    batch = numbered(8, hard=2)
    shares = [
        patches(batch, render(batch, seed, p=1.0, alpha=alpha))[:, 3:].float().mean((-2, -1))
        for seed in range(60)
    ]
    assert torch.cat(shares).mean().item() == pytest.approx(0.5, abs=0.04)
    assert torch.cat(shares).std().item() == pytest.approx(deviation, abs=0.02)


def test_patches_lie_everywhere_alike() -> None:
    """At even places: a patch of half the area reaches the left edge as often as the right one."""
    batch = numbered(8, hard=2)
    found = torch.cat([patches(batch, render(batch, seed, p=1.0, alpha=50.0))[:, 3:] for seed in range(60)])
    covered = found.float().mean((0, 1))
    torch.testing.assert_close(covered, covered.flip(0), rtol=0, atol=0.08)
    torch.testing.assert_close(covered, covered.T, rtol=0, atol=0.08)
    assert covered[0, 0] > 0.005


def test_patches_are_pasted_with_probability_p_and_counted() -> None:
    batch = numbered(8)
    counts = [render(batch, seed, p=0.8).counts for seed in range(100)]
    assert sum(count["patches_pasted"] for count in counts) / 1600 == pytest.approx(0.8, abs=0.04)
    assert all(count["patches_skipped"] == 0 and count["frames_read"] == 5 for count in counts)


def test_nothing_happens_at_zero() -> None:
    batch = numbered(4)
    assert torch.equal(render(batch, p=0.0).frames, batch.frames)


@pytest.mark.parametrize("draws", [1, 2])
def test_a_single_clip_has_no_patches(draws: int) -> None:
    batch = numbered(draws)
    still = render(batch, p=1.0)
    assert torch.equal(still.frames, batch.frames)
    assert still.counts == {"frames_read": 5, "patches_pasted": 0, "patches_skipped": 2 * draws}


def test_all_but_pixels_and_counts_stays() -> None:
    batch = numbered(4)
    mixed = render(batch, p=1.0)
    for name in ("landmarks", "draw", "clip", "identity", "time", "labels", "notes"):
        assert getattr(mixed, name) is getattr(batch, name)


def test_the_seed_decides_where_patches_lie() -> None:
    batch = numbered(4)
    assert torch.equal(render(batch, 5).frames, render(batch, 5).frames)
    assert not torch.equal(render(batch, 5, p=1.0).frames, render(batch, 6, p=1.0).frames)


def test_counts_add_up_when_two_are_chained() -> None:
    assert render(render(numbered(4), p=1.0), p=1.0).counts["patches_pasted"] == 16


def setting(clips: int = 9, draws: int = 8) -> Setting:
    facts = DataFacts(clips=clips, identities=1, frames=900, fps=4.0, size=48, shortest=100, longest=100)
    return Setting(data=facts, instances=draws, draws=draws, hard_negatives=0)


def test_what_can_never_be_mixed_is_refused() -> None:
    (clip,) = CutMixOptions().problems(setting(clips=1))
    assert "single clip" in clip.message
    assert "cut_mix" in clip.hint
    (draw,) = CutMixOptions().problems(setting(draws=1))
    assert "single sample" in draw.message
    assert "trainer.batch_size" in draw.hint
    assert not list(CutMixOptions().problems(setting(clips=2, draws=2)))


@pytest.mark.parametrize("wrong", [{"p": -0.1}, {"p": 1.1}, {"alpha": 0.0}, {"beta": 1.0}])
def test_options_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        CutMixOptions(**wrong)


def test_the_descriptor_of_cut_mix_names_its_class() -> None:
    (card,) = ssltoolbox_cut_mix.ssltoolbox_positive_generators()
    assert card.name == "cut_mix"
    assert not card.needs
    module, name = card.target.split(":")
    assert issubclass(getattr(__import__(module, fromlist=[name]), name), PositiveGenerator)


def test_the_card_is_free_of_torch() -> None:
    code = "import sys, ssltoolbox_cut_mix; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
