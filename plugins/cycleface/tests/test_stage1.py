"""Stage 1 is the published training, written out; what learns and what does not."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers.cycleface import build, inputs
from ssltoolbox_cycleface.method import CycleFace
from torch import Tensor, nn

from ssltoolbox.api import StepInputs

EXACT = {"noise": False, "mirror": 0.0, "inverse": "published"}


class Published(nn.Module):
    """The loss of the published stage 1, in torch alone, with the networks of a method."""

    def __init__(self, method: CycleFace) -> None:
        super().__init__()
        self.encoder, self.vgg = copy.deepcopy(method.backbone), copy.deepcopy(method.trunk.features)
        motion = copy.deepcopy(method.stage.motion)
        self.head, self.decoder, self.generator = motion.head, motion.decoder, motion.generator
        row = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
        self.window = (row[:, None] * row / row.sum() ** 2).expand(3, 1, 11, 11)

    def warp(self, u: Tensor, f: Tensor) -> Tensor:
        f = F.interpolate(f, u.shape[2:], mode="bilinear", align_corners=True)
        grid = F.affine_grid(torch.eye(2, 3).expand(len(u), 2, 3), list(u.shape), align_corners=True)
        return F.grid_sample(u, grid + f.permute(0, 2, 3, 1), align_corners=True)

    def draw(self, x: Tensor, f: Tensor | None) -> Tensor:
        g = self.generator
        skip = self.vgg[:7](x)
        deep = self.vgg[7:12](skip)
        if f is not None:
            deep = self.warp(deep, f) + g.fill_deep(deep.mean((2, 3), keepdim=True).expand_as(deep))
            skip = self.warp(skip, f) + g.fill_skip(skip.mean((2, 3), keepdim=True).expand_as(skip))
        return g.to_image(g.to_whole(torch.cat([skip, g.to_half(g.residual(g.reduce(deep)))], 1)))

    def unlike(self, x: Tensor, y: Tensor) -> Tensor:
        def mean(u: Tensor) -> Tensor:
            return F.conv2d(u, self.window, padding=5, groups=3)

        mx, my = mean(x), mean(y)
        vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
        found = (2 * mx * my + 1e-4) * (2 * vxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
        return 1 - found.mean()

    def style(self, u: Tensor, x: Tensor) -> Tensor:
        def grams(images: Tensor) -> list[Tensor]:
            maps = [self.vgg[: end + 1](images) for end in (6, 11, 20)]
            flat = [m.flatten(2) for m in maps]
            return [m.bmm(m.transpose(1, 2)) / m.shape[2] for m in flat]

        wanted = grams(torch.cat([x] * 4))
        return sum(
            (F.mse_loss(a, b.detach()) for a, b in zip(grams(u), wanted, strict=True)), torch.zeros(())
        )

    def forward(self, view_a: Tensor, view_b: Tensor) -> Tensor:
        x = torch.cat([view_a, view_b])
        swap = [*range(len(view_a), len(x)), *range(len(view_a))]
        f = self.decoder(self.head(self.encoder(x)))
        b = -self.warp(f, f).clamp(-1, 1)
        n, d = self.draw(x, f), self.warp(x, f)
        r, copied = self.draw(n[swap], b), self.draw(x, None)
        n_b, d_b = self.warp(n[swap], b), self.warp(d[swap], b)
        pixel = F.l1_loss(r, x) + F.l1_loss(copied, x) + F.l1_loss(n_b, x) + 1.5 * F.l1_loss(d_b, x)
        unlike = self.unlike(x, r) + self.unlike(x, copied) + 1.5 * self.unlike(x, d_b)
        half = x.shape[3] // 2
        uneven = [F.l1_loss(u[..., :half], u[..., half:].flip(-1)) for u in (n, d)]
        style = self.style(torch.cat([n, n_b, d_b, r]), x)
        return pixel + 0.01 * style + 5 * unlike + 1.5 * (uneven[0] + 0.5 * uneven[1])


def test_twenty_steps_are_those_of_the_published_loop() -> None:
    method = build(**EXACT)
    plain = Published(method)
    losses = []
    for step in range(20):
        given = inputs(step, count=2)
        losses.append((method.step(given).loss, plain(*given.views)))
        if step == 0:
            optimisers = [
                torch.optim.Adam(
                    [p for p in each.parameters() if p.requires_grad], lr=1e-3, betas=(0.5, 0.999)
                )
                for each in (method, plain)
            ]
        for optimiser, loss in zip(optimisers, losses[-1], strict=True):
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    ours, theirs = (torch.stack(each).detach() for each in zip(*losses, strict=True))
    torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=1e-4)
    assert ours[-1] < ours[0]


def test_the_trunk_learns_nothing() -> None:
    method = build()
    method.step(inputs()).loss.backward()
    assert not any(parameter.requires_grad for parameter in method.trunk.parameters())
    assert all(parameter.grad is None for parameter in method.trunk.parameters())
    learning = [name for name, parameter in method.named_parameters() if parameter.requires_grad]
    assert not [name for name in learning if name.startswith("trunk")]
    assert all(method.get_parameter(name).grad is not None for name in learning)


def test_a_seed_decides_the_noise() -> None:
    method = build()
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(method.step(inputs()).loss.item())
    assert losses[0] == losses[1] != losses[2]


def test_without_motion_a_mirrored_pair_gives_the_mirrored_image() -> None:
    """With no motion, what is got back of an image is the mirrored one."""
    method = build(mirror=1.0)
    nn.init.zeros_(method.stage.motion.decoder.end[3].weight)
    given = inputs()
    seen = {}
    whole = method.stage.forward
    method.stage.forward = lambda images, *rest: seen.setdefault("made", whole(images, *rest))
    method.step(given)
    back = seen["made"].warped_back[: len(given.view_a)]
    torch.testing.assert_close(back, given.view_a.flip(-1), rtol=0, atol=1e-5)


def test_sides_are_as_given_without_mirrors() -> None:
    given = inputs()
    method = build(mirror=0.0)
    torch.manual_seed(0)
    before = method.step(given).loss
    changed = StepInputs(given.view_a, given.view_b.flip(-1), given.rows)
    torch.manual_seed(0)
    assert method.step(changed).loss != before
    always = build(mirror=1.0)
    losses = []
    for each in (given, changed):
        torch.manual_seed(0)
        losses.append(always.step(each).loss.item())
    assert losses[0] == losses[1]


def test_the_loss_of_stage_1_is_the_weighted_sum_of_its_terms() -> None:
    names = ("pixel", "style", "ssim", "symmetry")
    weights = {"pixel_weight": 2.0, "style_weight": 0.5, "ssim_weight": 3.0, "symmetry_weight": 4.0}
    output = build(**EXACT, **weights).step(inputs())
    expected = sum(weights[f"{name}_weight"] * output.terms[f"{name}_loss"] for name in names)
    torch.testing.assert_close(output.loss.detach(), expected)
    assert {"field", "outside_share", "asymmetry_images", "asymmetry_neutral"} < output.terms.keys()
    without = build(**EXACT, style_weight=0.0).step(inputs())
    assert "style_loss" not in without.terms


@pytest.mark.parametrize("changes", [{"inverse_steps": 0}, {"inverse": "published"}])
def test_another_inverse_rebuilds_otherwise(changes: dict[str, Any]) -> None:
    losses = []
    for options in ({}, {}, changes):
        method = build(noise=False, mirror=0.0, **options)
        method.stage.motion.head.layers[2].weight.data *= 1000  # new heads give no expression
        losses.append(method.step(inputs()).terms["pixel_loss"].item())
    assert losses[0] == losses[1] != losses[2]


def test_a_collapsed_field_is_noted() -> None:
    method = build(mirror=0.0, noise=False).eval()
    nn.init.zeros_(method.stage.motion.decoder.end[3].weight)
    given = inputs()

    def copying(maps: object, field: Tensor | None = None) -> Tensor:
        return torch.cat(given.views)

    assert "collapsed" not in build().eval().pictures(given).note
    method.stage.motion.generator.forward = copying  # type: ignore[method-assign, assignment]
    shown = method.pictures(given)
    assert "The field has collapsed" in shown.note
    assert list(shown.columns) == ["image", "warped back", "rebuilt", "neutral"]
    assert torch.equal(shown.columns["image"], given.view_a)


@pytest.mark.parametrize("precision", [torch.bfloat16])
def test_mixed_precision_keeps_coordinates_and_statistics(precision: torch.dtype) -> None:
    method = build(**EXACT)
    full = method.step(inputs())
    with torch.autocast("cpu", dtype=precision):
        mixed = method.step(inputs())
    assert mixed.loss.dtype == torch.float32
    for name, value in full.terms.items():
        torch.testing.assert_close(mixed.terms[name], value, rtol=0.05, atol=0.02, msg=name)


@pytest.mark.slow
def test_stage_1_overfits_a_few_faces() -> None:
    method = build(mirror=0.0)
    given = inputs(count=2)
    given = replace(given, view_b=given.view_a.roll(2, dims=3))
    optimiser = torch.optim.Adam(
        [p for p in method.parameters() if p.requires_grad], lr=1e-3, betas=(0.5, 0.999)
    )
    losses = []
    for step in range(60):
        torch.manual_seed(step)
        output = method.step(given)
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
        losses.append(output.loss.item())
    assert losses[-1] < 0.8 * losses[0]
