"""What stages prepare of a batch: both sides, one side, local crops, and pairs in one call."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ssltoolbox.api import Batch, Options, PositiveGenerator, SslToolboxError, View
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.core.stages import Drawn, Stages, augmented, render
from ssltoolbox.testing.material import batch
from ssltoolbox.views.paper import PaperView
from ssltoolbox.views.plugin import PaperOptions, StandardOptions
from ssltoolbox.views.standard import StandardView

VIEWS = [
    StandardView(StandardOptions(size=24, crops=3, crop_size=16)),
    PaperView(PaperOptions(size=24, crops=3, crop_size=16)),
]


class Mirrored:
    """Mirrors both sides of a pair, or neither."""

    def augment(self, images: Tensor, landmarks: Tensor, side: str) -> Tensor:
        raise AssertionError("pairs are asked for in one call")

    def plain(self, images: Tensor) -> Tensor:
        return images.float()

    def augment_pair(self, a: Tensor, points_a: Tensor, b: Tensor, points_b: Tensor) -> tuple[Tensor, Tensor]:
        return a.float().flip(-1), b.float().flip(-1)


def one_sided() -> Batch:
    both = batch(draws=4, hard=1)
    half = {name: getattr(both, name)[:, :2] for name in ("frames", "landmarks", "clip", "identity", "time")}
    labels = {name: values[:, :2] for name, values in both.labels.items()}
    return replace(both, **half, labels=labels, sides=1)


@pytest.mark.parametrize("view", VIEWS, ids=["standard", "paper"])
def test_local_crops_come_from_both_sides_in_turn(view: View) -> None:
    faces = batch(draws=4, hard=1)
    torch.manual_seed(0)
    view_a, view_b, crops = augmented(view, faces, crops=3)
    assert view_a.shape == view_b.shape == (8, 3, 24, 24)
    assert [crop.shape for crop in crops] == [(8, 3, 16, 16)] * 3
    assert all(crop.isfinite().all() for crop in crops)
    assert len({float(crop.sum()) for crop in crops}) == 3
    torch.manual_seed(0)
    again = augmented(view, faces, crops=0)
    assert torch.equal(again[0], view_a)
    assert torch.equal(again[1], view_b)
    assert again[2] == ()


@pytest.mark.parametrize("view", VIEWS, ids=["standard", "paper"])
def test_a_batch_of_one_side_gives_one_view(view: View) -> None:
    faces = one_sided()
    assert faces.hard_negatives == 1
    view_a, view_b, crops = augmented(view, faces, crops=2)
    assert view_a.shape == (8, 3, 24, 24)
    assert view_b is None
    assert len(crops) == 2


def test_a_view_may_treat_a_pair_in_one_call() -> None:
    faces = batch(draws=4, hard=0)
    view_a, view_b, _ = augmented(Mirrored(), faces)
    assert torch.equal(view_a, faces.sources[:, 0].flip(-1).float())
    assert torch.equal(view_b, faces.positives[:, 0].flip(-1).float())


@pytest.mark.parametrize(
    ("wanted", "crops", "frames"),
    [((), 0, False), (("view_b", "crops"), 2, False), (("view_b", "batch"), 0, True)],
)
def test_what_nobody_asks_for_is_not_computed(wanted: tuple[str, ...], crops: int, frames: bool) -> None:
    faces = batch(draws=4, hard=0) if "view_b" in wanted else one_sided()
    stages = Stages(VIEWS[0], (), MaskerUnion(), (), seed=0, inputs=wanted, crops=2)
    inputs = stages(Drawn(Position(7), faces)).inputs
    assert (inputs.view_b is not None) == ("view_b" in wanted)
    assert len(inputs.rows) == len(inputs.view_a) * (2 if "view_b" in wanted else 1)
    assert len(inputs.crops) == crops
    assert (inputs.batch is not None) == frames
    assert inputs.step == 7
    moved = inputs.to("meta")
    assert all(crop.device.type == "meta" for crop in (*moved.crops, moved.view_a))


def test_what_a_generator_renders_wrongly_is_named() -> None:
    class Fewer(PositiveGenerator[Options]):
        def render(self, batch: Batch) -> Batch:
            return replace(batch, frames=batch.frames[:, :1])

    class Nothing(PositiveGenerator[Options]):
        def render(self, batch: Batch) -> Batch:
            return None  # type: ignore[return-value]

    with pytest.raises(SslToolboxError, match=r"^Fewer\.render gave torch\.uint8 \[2, 1, 3"):
        render([Fewer(Options())], batch(draws=2))
    with pytest.raises(SslToolboxError, match=r"^Nothing\.render gave NoneType"):
        render([Nothing(Options())], batch(draws=2))


def test_a_view_of_another_type_is_named() -> None:
    class Unscaled(Mirrored):
        def augment_pair(
            self, a: Tensor, points_a: Tensor, b: Tensor, points_b: Tensor
        ) -> tuple[Tensor, Tensor]:
            return a, b

    with pytest.raises(SslToolboxError, match=r"^Unscaled gave torch\.uint8 .* as a view"):
        augmented(Unscaled(), batch(draws=2))
