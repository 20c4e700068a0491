"""Warps and losses have the values that the published code has on the same inputs."""

from __future__ import annotations

import pytest
import torch
from ssltoolbox_cycleface.losses import asymmetry, dissimilarity, gram, l1, margin, style
from ssltoolbox_cycleface.stage1 import swapped
from ssltoolbox_cycleface.warp import inverse_fixed_point, inverse_published, outside, warp
from torch import Tensor

Two = tuple[Tensor, Tensor]
INNER = (..., slice(12, 52), slice(12, 52))
"""Positions whose warps stay inside of the image."""


def near(value: float) -> object:
    return pytest.approx(value, rel=2e-6)


def test_losses_equal_the_reference_numbers(waves: Two) -> None:
    a, c = waves
    assert 1 - dissimilarity(a, c).item() == near(0.5452704)
    assert dissimilarity(a, a).item() == pytest.approx(0, abs=1e-6)
    assert l1(a, c).item() == near(0.3150058)
    assert asymmetry(a).item() == near(0.8302872)
    assert margin(a, c, "published").item() == near(0.2150059)
    assert margin(a, c, "hinge").item() == near(0.2214595)
    # Small differences of large sums: the order of summation is seen in the fourth digit.
    assert style([a], [c]).item() == pytest.approx(4.834115e-8, rel=2e-4)


def test_a_zero_field_leaves_the_image(waves: Two) -> None:
    assert (warp(waves[0], torch.zeros(2, 2, 16, 16)) - waves[0]).abs().max() < 1e-5


def test_a_warp_of_a_ramp() -> None:
    ramp = torch.linspace(-1, 1, 64).expand(1, 1, 64, 64)
    field = torch.tensor([0.25, 0.0])[None, :, None, None].expand(1, 2, 16, 16)
    columns = warp(ramp, field)[0, 0, 5, [0, 16, 32, 47, 48, 63]]
    assert columns.tolist() == pytest.approx([-0.75, -0.242063, 0.265873, 0.742064, 0.773809, 0], abs=2e-6)
    assert outside(field).item() == pytest.approx(2 / 16)


def test_a_warp_and_its_published_inverse(waves: Two) -> None:
    field = (0.1 * (0.05 * torch.arange(2 * 2 * 16 * 16, dtype=torch.float64)).sin()).float()
    field = field.view(2, 2, 16, 16)
    assert warp(waves[0], field).square().sum().item() == near(8347.294)
    inverse = inverse_published(field)
    assert inverse.sum().item() == pytest.approx(-2.736355, rel=1e-5)
    assert inverse.square().sum().item() == near(3.395109)


def test_the_published_inverse_of_a_shift_reads_outside() -> None:
    field = torch.tensor([0.25, -0.125])[None, :, None, None].expand(1, 2, 16, 16)
    inverse = inverse_published(field)[0]
    assert inverse[:, 8, 8].tolist() == [-0.25, 0.125]
    assert inverse[:, 8, 15].tolist() == [0, 0]


def test_a_direct_exchange_of_motion_equals_the_reference(smooth: Two) -> None:
    x, f = smooth
    assert (x.sum().item(), x.square().sum().item()) == (
        pytest.approx(75.1084, rel=1e-5),
        pytest.approx(6161.292, rel=1e-6),
    )
    d = warp(x, f)
    back = warp(swapped(d), inverse_published(f))
    assert d.square().sum().item() == near(5552.3906)
    assert l1(back, x).item() == near(0.4278000)
    assert dissimilarity(x, back).item() == near(0.9736893)
    assert asymmetry(d).item() == near(0.4891361)
    assert asymmetry(x).item() == near(0.5363365)
    total = 1.5 * l1(back, x) + 7.5 * dissimilarity(x, back) + 0.75 * asymmetry(d)
    assert total.item() == near(8.311222)
    assert style([back], [x]).item() == pytest.approx(8.356074e-4, rel=1e-5)
    assert gram(x).sum().item() == pytest.approx(2.269477, rel=1e-5)


def test_the_fixed_point_inverts_best(smooth: Two) -> None:
    """The published inverse is worse than the plain −f; each step of the fixed point is better."""
    x, f = smooth
    inverses = [inverse_published(f), -f, inverse_fixed_point(f, 1), inverse_fixed_point(f, 2)]
    errors = [(warp(warp(x, f), b) - x)[INNER].abs().mean().item() for b in inverses]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] > 5 * errors[2] > 10 * errors[3]
    torch.testing.assert_close(inverses[2], -warp(f, -f))


def test_faces_made_symmetric_have_no_asymmetry(waves: Two) -> None:
    assert asymmetry((waves[0] + waves[0].flip(-1)) / 2).item() == pytest.approx(0, abs=1e-7)


def test_swapping_twice_gives_the_same_batch(waves: Two) -> None:
    assert torch.equal(swapped(swapped(waves[0])), waves[0])
    assert torch.equal(swapped(waves[0])[:1], waves[0][1:])


def test_the_style_of_several_images_against_one_target_each(waves: Two) -> None:
    a, c = waves
    both = style([torch.cat([a, c])], [a])
    torch.testing.assert_close(both, style([c], [a]) / 2)
