"""Descriptors are units, the same in any company, blind to light and pose, and say what they can't see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.feature import SIFTDescriptor
from ssltoolbox_mask_fn import MaskFNOptions, masker
from ssltoolbox_mask_fn.descriptors import CELLS, PATCH, Gradients
from ssltoolbox_mask_fn.masker import MaskFN
from torch import Tensor

from ssltoolbox.api import Batch, Rows
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions
from ssltoolbox.engine.core.maskers import MaskerUnion

WIDTHS = {"resnet18": 1024, "pixels": 512, "gradients": 576, "geometry": 64}


@pytest.fixture(scope="session", params=WIDTHS)
def mask_fn(request: pytest.FixtureRequest, weights: Path) -> MaskFN:
    given = {"weights": weights} if request.param == "resnet18" else {}
    return MaskFN(MaskFNOptions(descriptor=request.param, **given))


def geometry(batch: Batch) -> Tensor:
    return MaskFN(MaskFNOptions(descriptor="geometry")).describe(batch)


def test_units_without_gradient_draw_major(mask_fn: MaskFN, faces: Batch) -> None:
    described = mask_fn.describe(faces)
    assert described.shape == (32, WIDTHS[mask_fn.options.descriptor])
    assert described.dtype == torch.float32
    assert not described.requires_grad
    torch.testing.assert_close(described.norm(dim=1), torch.ones(32))
    third_draw = replace(faces, frames=faces.frames[2:3], landmarks=faces.landmarks[2:3])
    torch.testing.assert_close(mask_fn.describe(third_draw), described[8:12])


def test_chunks_make_no_difference(mask_fn: MaskFN, faces: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mask_fn.describe(faces)
    monkeypatch.setattr(masker, "FRAMES_AT_ONCE", 5)
    torch.testing.assert_close(mask_fn.describe(faces), whole)


def test_a_lower_precision_makes_no_difference(mask_fn: MaskFN, faces: Batch) -> None:
    described = mask_fn.describe(faces)
    rows = Rows(*[torch.arange(32)] * 4, described)
    picked = mask_fn.mask(rows, rows, ~torch.eye(32, dtype=torch.bool))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mask_fn.describe(faces), described)
        assert torch.equal(mask_fn.mask(rows, rows, ~torch.eye(32, dtype=torch.bool)), picked)


@pytest.mark.parametrize("missing", [torch.nan, torch.inf])
def test_no_landmarks_no_opinion(mask_fn: MaskFN, faces: Batch, missing: float) -> None:
    landmarks = faces.landmarks.clone()
    landmarks[1, 2] = missing
    landmarks[3, 0, 50, 1] = missing
    described = mask_fn.describe(replace(faces, landmarks=landmarks))
    blind = described.isnan()
    assert blind.all(dim=1).nonzero()[:, 0].tolist() == [6, 12]
    assert blind.any(dim=1).sum() == 2
    seen = ~blind[:, 0]
    torch.testing.assert_close(described[seen], mask_fn.describe(faces)[seen])


def test_landmarks_in_one_place_no_opinion(mask_fn: MaskFN, faces: Batch) -> None:
    landmarks = faces.landmarks.clone()
    landmarks[0, 0] = 7.0
    assert mask_fn.describe(replace(faces, landmarks=landmarks)).isnan().all(dim=1).nonzero().tolist() == [
        [0]
    ]


def test_a_face_out_of_its_picture_no_opinion(mask_fn: MaskFN, faces: Batch) -> None:
    landmarks = faces.landmarks.clone()
    landmarks[2, 1] += 200
    described = mask_fn.describe(replace(faces, landmarks=landmarks))
    if mask_fn.options.descriptor != "geometry":  # which needs no pixels
        assert described.isnan().all(dim=1).nonzero().tolist() == [[9]]


def test_only_eyes_and_mouth_matter(mask_fn: MaskFN, faces: Batch) -> None:
    landmarks = faces.landmarks.clone()
    landmarks[:, :, :36] = torch.nan
    torch.testing.assert_close(mask_fn.describe(replace(faces, landmarks=landmarks)), mask_fn.describe(faces))


def test_a_moved_picture_looks_the_same(mask_fn: MaskFN, faces: Batch) -> None:
    moved = replace(
        faces,
        frames=torch.nn.functional.pad(faces.frames, (8, 4, 5, 7)),
        landmarks=faces.landmarks + torch.tensor([8, 5]),
    )
    torch.testing.assert_close(mask_fn.describe(moved), mask_fn.describe(faces), atol=1e-3, rtol=0)


def test_neighbouring_frames_are_nearer_than_other_people(mask_fn: MaskFN, faces: Batch) -> None:
    """Half a second lies between them, and the head has moved."""
    described = mask_fn.describe(faces).unflatten(0, (8, 4))
    similarity = described[:, 0] @ described[:, 2].T
    own = similarity.diagonal().mean()
    others = similarity[~torch.eye(8, dtype=torch.bool)].mean()
    assert own > others


@pytest.mark.parametrize("descriptor", ["pixels", "gradients"])
def test_brightness_does_not_change_a_descriptor(descriptor: str, faces: Batch) -> None:
    mask_fn = MaskFN(MaskFNOptions(descriptor=descriptor))
    bright, dark = (replace(faces, frames=faces.frames // 4 * factor) for factor in (4, 1))
    similarity = (mask_fn.describe(bright) * mask_fn.describe(dark)).sum(dim=1)
    assert similarity.min() > 0.999


def test_gradients_are_kornias_sift() -> None:
    """Also along the axes, where an angle has no neighbour."""
    ramp = torch.arange(32.0).expand(32, 32) / 32
    plain = torch.stack([ramp, -ramp, ramp.T, -ramp.T, ramp + ramp.T])
    noisy = torch.rand(5, 32, 32, generator=torch.Generator().manual_seed(0))
    crops = torch.cat([plain, noisy, plain + 0.1 * noisy, noisy[:1]])[:, None]
    sift = SIFTDescriptor(PATCH, num_spatial_bins=CELLS)(crops).detach()
    actual = Gradients()(crops.unflatten(0, (-1, 2))).unflatten(1, (2, -1)).flatten(0, 1)
    # kornia adds 1e-10 before it takes the root, and what rounding leaves is seen through a root too.
    torch.testing.assert_close(actual, sift, rtol=0, atol=1e-4)


def test_a_crop_without_gradients_has_none() -> None:
    assert not Gradients()(torch.full((1, 2, 1, 32, 32), 0.5)).any()


@settings(deadline=None, max_examples=50)
@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.2, 5),
    shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
)
def test_geometry_is_blind_to_place_size_and_roll(
    faces: Batch, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    turn = torch.tensor(angle)
    matrix = scale * torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()]).view(2, 2)
    moved = replace(faces, landmarks=faces.landmarks @ matrix.T + torch.tensor(shift))
    torch.testing.assert_close(geometry(moved), geometry(faces), atol=1e-3, rtol=0)


def test_geometry_sees_a_mouth_that_opens(faces: Batch) -> None:
    landmarks = faces.landmarks.clone()
    landmarks[..., 55:60, 1] += 6
    similarity = (geometry(replace(faces, landmarks=landmarks)) * geometry(faces)).sum(dim=1)
    assert similarity.max() < 0.99


@pytest.mark.parametrize(("descriptor", "least"), [("pixels", 0.45), ("gradients", 0.6), ("geometry", 0.7)])
def test_the_nearest_face_has_the_same_expression(descriptor: str, least: float) -> None:
    """Of 128 people; by chance it has in one case of seven."""
    people = SyntheticFaces(SyntheticFacesOptions(world=5, identities=128), "train")
    draw = torch.arange(128)
    read = people.read(draw.tolist(), (draw % 96).tolist())
    ids = draw[:, None]
    batch = Batch(read.images[:, None], read.landmarks[:, None], draw, ids, ids, ids.double())
    union = MaskerUnion({"mask_fn": MaskFN(MaskFNOptions(descriptor=descriptor))})
    described = union.describe(batch)["mask_fn"][:, 0]
    rows = Rows(draw, draw, draw, draw.double(), described, {"expression": read.labels["expression"]})
    terms = union.mask(rows, rows).terms
    assert terms["chance_same_expression"] < 0.2
    assert terms["masked_same_expression"] > least


def test_nothing_is_drawn_from_the_global_generator(mask_fn: MaskFN, faces: Batch) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    MaskFN(mask_fn.options).describe(faces)
    assert torch.equal(torch.get_rng_state(), before)
