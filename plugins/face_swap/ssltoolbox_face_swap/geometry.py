"""The 68 iBUG landmarks: where a face is, how one is laid onto another, and what region they enclose.

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
ROUNDING = 1e-3
"""Pixels by which a point may lie beyond a line that bounds its hull."""


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
    start, end = points[:, ALIGNED], targets[:, ALIGNED]
    start_centre, end_centre = start.mean(dim=1), end.mean(dim=1)
    start, end = start - start_centre[:, None], end - end_centre[:, None]
    along = (start * end).sum(dim=(1, 2))
    across = (start[..., 0] * end[..., 1] - start[..., 1] * end[..., 0]).sum(dim=1)
    angle = torch.atan2(across, along)
    scale = _spread(end) / _spread(start)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    linear = torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)
    shift = end_centre - (linear * start_centre[:, None]).sum(dim=-1)
    return torch.cat([linear, shift[..., None]], dim=-1)


def move(points: Tensor, transforms: Tensor) -> Tensor:
    """[B, n, 2] points by [B, 2, 3] transforms."""
    return points @ transforms[..., :2].mT + transforms[:, None, :, 2]


def expressive_region(points: Tensor, size: int) -> Tensor:
    """Eyes with brows, and nose with mouth, of [B, 68, 2] landmarks: [B, size, size] bool."""
    return fill_spans(region_spans(points[:, None], size))


def region_spans(points: Tensor, size: int) -> Tensor:
    """The hulls of eyes with brows, and of nose with mouth, of F faces: [B, F, 68, 2] → [B, 2F, size, 2]."""
    # A corner twice is the same hull, and both hulls are then found at once.
    eyes_and_brows = [*EYES_AND_BROWS, *EYES_AND_BROWS[:1] * (len(NOSE_AND_MOUTH) - len(EYES_AND_BROWS))]
    nose_and_mouth = [*NOSE_AND_MOUTH, *NOSE_AND_MOUTH[:1] * (len(EYES_AND_BROWS) - len(NOSE_AND_MOUTH))]
    hulls = points[:, :, [eyes_and_brows, nose_and_mouth]].flatten(1, 2)
    return hull_spans(hulls.flatten(0, 1), size).unflatten(0, hulls.shape[:2])


def region_box(points: Tensor, margin: Tensor, size: int) -> Tensor:
    """The pixels that the regions of [B, 68·n, 2] landmarks touch and `margin` [B] around them, within the image.

    Returns:
        [B, 2, 2] whole numbers: the first and the last pixel, x and y.
    """
    faces = points.unflatten(1, (-1, 68))[:, :, [*EYES_AND_BROWS, *NOSE_AND_MOUTH]].flatten(1, 2)
    low, high = faces.amin(dim=1).round() - 1, faces.amax(dim=1).round() + 1
    box = torch.stack([low - margin[:, None], high + margin[:, None]], dim=1)
    return box.clamp(0, size - 1).long()


def fill_hull(points: Tensor, size: int) -> Tensor:
    """[B, n, 2] points → [B, size, size] bool: True for every pixel that the points' convex hull touches."""
    return fill_spans(hull_spans(points, size)[:, None])


def hull_spans(points: Tensor, size: int) -> Tensor:
    """[B, n, 2] points → [B, size, 2] int64: in each row the first pixel that their convex hull touches, and the
    first one behind it; the same twice where it touches none."""
    pixels = torch.arange(size, device=points.device, dtype=points.dtype)
    mirrored = points * points.new_tensor([-1, 1])
    left, right = _left_edge(torch.cat([points, mirrored]), pixels).T.chunk(2)
    start = (left - 0.5).ceil().clamp(0, size)
    end = ((0.5 - right).floor() + 1).clamp(0, size)
    return torch.stack([start, torch.maximum(start, end)], dim=-1).long()


def fill_spans(spans: Tensor) -> Tensor:
    """[B, H, S, 2] spans (see `hull_spans`) → [B, S, S] bool: True within any of the H spans of a row."""
    size = spans.shape[2]
    start, end = spans.transpose(1, 2).unbind(dim=-1)
    steps = torch.zeros((len(spans), size, size + 1), dtype=torch.int8, device=spans.device)
    one = torch.ones_like(start, dtype=torch.int8)
    steps.scatter_add_(2, start, one).scatter_add_(2, end, -one)
    return steps.cumsum(dim=2, dtype=torch.int8)[..., :size] > 0


def _left_edge(points: Tensor, rows: Tensor) -> Tensor:
    """How far left the hull reaches in each row of pixels: [B, n, 2] and [S] → [S, B] x, infinite beside it.

    From every point a line is drawn to the lower point that lies farthest to the left, by its angle; from the
    lowest one straight down. Lines with no point on their left bound the hull, and the rightmost of them is its
    edge. A row of pixels is met where it is nearest to the height of the leftmost point.

    The batch is the last dimension here, and there are few comparisons: both make it several times as fast on a
    CPU.
    """
    x, y = points.permute(2, 1, 0).contiguous()
    aside, height = x - x[:, None], y - y[:, None]
    slope = (aside / height.clamp(min=0)).nan_to_num_(*[torch.inf] * 3).amin(dim=1)
    slope.masked_fill_(slope.isinf(), 0)
    leftmost = torch.addcmul(aside, slope[:, None], height, value=-1).amin(dim=1)
    bound = x.masked_fill(leftmost < -ROUNDING, -torch.inf)
    summit = y.gather(0, x.argmin(dim=0, keepdim=True))
    met = summit.clamp(rows[:, None] - 0.5, rows[:, None] + 0.5)
    edge = torch.addcmul(bound[:, None], slope[:, None], met - y[:, None]).amax(dim=0)
    return edge.masked_fill_((met < y.amin(dim=0)) | (met > y.amax(dim=0)), torch.inf)


def _spread(centred: Tensor) -> Tensor:
    """[..., n, 2] points about their centre → [...]: their root mean square distance from it."""
    return centred.square().sum(dim=-1).mean(dim=-1).sqrt()
