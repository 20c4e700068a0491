"""Geometry of the 68 iBUG landmarks: usable faces, similarity transforms between faces, and the swapped region.

Whole numbers are the centres of pixels, so that an image of S pixels reaches from -0.5 to S - 0.5.
"""

from __future__ import annotations

import torch
from torch import Tensor

EYES_AND_BROWS = [*range(17, 27), *range(36, 48)]
NOSE_AND_MOUTH = [*range(27, 35), *range(48, 61)]
ALIGNED = [*range(17, 35), *range(36, 61)]
"""The points that two faces are aligned by."""
JAW = slice(0, 17)
_CORNERS = len(EYES_AND_BROWS)
_REGIONS = [EYES_AND_BROWS, NOSE_AND_MOUTH + NOSE_AND_MOUTH[:1] * (_CORNERS - len(NOSE_AND_MOUTH))]
"""Equally long, so that all hulls are found at once: a corner twice is the same hull."""
ROUNDING = 1e-3
"""Tolerance in pixels for a point beyond a line that bounds its hull."""


def is_usable(points: Tensor, size: int) -> Tensor:
    """Whether [..., 68, 2] landmarks describe a face that can be aligned: [...] bool.

    All must be finite, their centre must lie in the image, and they must spread by at least a pixel and at most
    the image's `size`.
    """
    aligned = points[..., ALIGNED, :]
    centre = aligned.mean(dim=-2)
    spread = _spread(aligned - centre[..., None, :])
    inside = ((centre >= -0.5) & (centre <= size - 0.5)).all(dim=-1)
    return points.isfinite().all(dim=-1).all(dim=-1) & inside & (spread >= 1) & (spread <= size)


def eye_distance(points: Tensor) -> Tensor:
    """[B, 68, 2] → [B]: pixels between the centres of the two eyes."""
    return (points[:, 36:42].mean(dim=1) - points[:, 42:48].mean(dim=1)).norm(dim=-1)


def similarity(points: Tensor, targets: Tensor) -> Tensor:
    """The similarity transforms that lay [B, 68, 2] landmarks onto others: [B, 2, 3].

    Centres and spreads agree afterwards, and the rotation is the best one (Procrustes); in the plane its angle
    has a closed form.
    """
    both = torch.stack([points, targets])[:, :, ALIGNED]
    start_centre, end_centre = centres = both.mean(dim=2)
    start, end = centred = both - centres[:, :, None]
    start_spread, end_spread = _spread(centred)
    along = (start * end).sum(dim=(1, 2))
    across = (start[..., 0] * end[..., 1] - start[..., 1] * end[..., 0]).sum(dim=1)
    angle, scale = torch.atan2(across, along), end_spread / start_spread
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    linear = torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)
    shift = end_centre - (linear * start_centre[:, None]).sum(dim=-1)
    return torch.cat([linear, shift[..., None]], dim=-1)


def inverse(transforms: Tensor) -> Tensor:
    """The transforms that undo [B, 2, 3] similarity transforms."""
    turned = transforms[..., :2].mT
    linear = turned * (2 / turned.square().sum(dim=(1, 2), keepdim=True))
    shift = (linear * transforms[:, None, :, 2]).sum(dim=-1)
    return torch.cat([linear, -shift[..., None]], dim=2)


def move(points: Tensor, transforms: Tensor) -> Tensor:
    """[B, n, 2] points by [B, 2, 3] transforms."""
    return points @ transforms[..., :2].mT + transforms[:, None, :, 2]


def region_corners(points: Tensor) -> Tensor:
    """The corners of two hulls, eyes with brows and nose with mouth, for each of F faces: [B, F, 68, 2] →
    [B, 2F, 22, 2]."""
    return points[:, :, _REGIONS].flatten(1, 2)


def region_box(corners: Tensor, margin: Tensor, size: int) -> Tensor:
    """The pixels that hulls of [B, H, n, 2] corners touch and `margin` [B] around them, within the image.

    Returns:
        [B, 2, 2] whole numbers: the first and the last pixel, x and y.
    """
    low, high = corners.amin(dim=(1, 2)).round() - 1, corners.amax(dim=(1, 2)).round() + 1
    box = torch.stack([low - margin[:, None], high + margin[:, None]], dim=1)
    return box.clamp_(0, size - 1).long()


def hull_spans(points: Tensor, height: int, width: int) -> Tensor:
    """[B, H, n, 2] points → [B, H, height, 2] int64: in each row the first pixel that the convex hull of n points
    touches, and the first one behind it; the same twice where it touches none."""
    pixels = torch.arange(height, device=points.device, dtype=points.dtype)
    mirrored = points * points.new_tensor([-1, 1])
    edges = _left_edge(torch.cat([points, mirrored]).flatten(0, 1), pixels)
    left, right = edges.T.unflatten(0, (2, *points.shape[:2]))
    start = (left - 0.5).ceil_().clamp_(0, width)
    end = (0.5 - right).floor_().add_(1).clamp_(0, width)
    return torch.stack([start, torch.maximum(start, end)], dim=-1).long()


def reached_spans(transforms: Tensor, columns: Tensor, rows: Tensor, size: int) -> Tensor:
    """Which pixels of [B, n] columns and [B, m] rows touch a frame of `size`, that [B, 2, 3] transforms lead to:
    spans as by `hull_spans`, [B, 1, m, 2]."""
    slant, drop, shift = transforms[..., None].unbind(dim=2)
    slack = 0.5 * (slant.abs() + drop.abs())
    here = slant * columns[:, None, :1] + drop * rows[:, None] + shift
    ends = torch.stack([-slack - here, slack + (size - 1) - here]) / slant
    start = ends.amin(dim=0).amax(dim=1).ceil_()
    end = ends.amax(dim=0).amin(dim=1).floor_().add_(1)
    spans = torch.stack([start, torch.maximum(start, end)], dim=-1)
    return spans.nan_to_num_(0).clamp_(0, columns.shape[1]).long()[:, None]


def fill_spans(spans: Tensor, width: int) -> Tensor:
    """[B, H, S, 2] spans (see `hull_spans`) → [B, S, width] int8: 1 within any of the H spans of a row, else 0."""
    start, end = spans.transpose(1, 2).unbind(dim=-1)
    steps = torch.zeros((*start.shape[:2], width + 1), dtype=torch.int8, device=spans.device)
    one = torch.ones_like(start, dtype=torch.int8)
    steps.scatter_add_(2, start, one).scatter_add_(2, end, -one)
    return steps.cumsum(dim=2, dtype=torch.int8)[..., :width].clamp_(max=1)


def _left_edge(points: Tensor, rows: Tensor) -> Tensor:
    """The left edge of each convex hull in each row of pixels: [B, n, 2] and [S] → [S, B] x; infinite in rows
    that the hull does not touch.

    From each point a line leads to the lower point that is farthest to the left by its angle; from the lowest
    point the line leads straight down. A line with no point on its left bounds the hull, and the rightmost of
    these lines is the edge. Within a row, the edge is taken at the height that is nearest to the leftmost point.

    The batch is the last dimension, and large tensors are overwritten, because this is faster on a CPU.
    """
    x, y = points.permute(2, 1, 0).contiguous()
    aside, height = x - x[:, None], y - y[:, None]
    slopes = height.clamp(min=0)
    slope = torch.div(aside, slopes, out=slopes).nan_to_num_(*[torch.inf] * 3).amin(dim=1)
    slope.nan_to_num_(posinf=0, neginf=0)
    leftmost = aside.addcmul_(slope[:, None], height, value=-1).amin(dim=1)
    bound = x.masked_fill(leftmost < -ROUNDING, -torch.inf)
    summit = y.gather(0, x.min(dim=0, keepdim=True).indices)
    met = summit.clamp(rows[:, None] - 0.5, rows[:, None] + 0.5)
    below = met - y[:, None]
    edge = torch.addcmul(bound[:, None], below, slope[:, None], out=below).amax(dim=0)
    return edge.masked_fill_((met < y.amin(dim=0)) | (met > y.amax(dim=0)), torch.inf)


def _spread(centred: Tensor) -> Tensor:
    """[..., n, 2] points about their centre → [...]: their root mean square distance from it."""
    return centred.square().sum(dim=-1).mean(dim=-1).sqrt()
