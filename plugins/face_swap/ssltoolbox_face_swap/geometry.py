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
    return fill_hull(points[:, EYES_AND_BROWS], size) | fill_hull(points[:, NOSE_AND_MOUTH], size)


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
    pixels = torch.arange(size, device=points.device, dtype=points.dtype)
    left = _left_edge(points, pixels)[..., None]
    right = -_left_edge(points * points.new_tensor([-1, 1]), pixels)[..., None]
    return (pixels >= left - 0.5) & (pixels <= right + 0.5)


def _left_edge(points: Tensor, rows: Tensor) -> Tensor:
    """How far left the hull reaches in each row of pixels: [B, n, 2] and [S] → [B, S] x, infinite beside it.

    From every point a chord is drawn to the lower point that lies farthest to the left, by its angle. Chords
    stay within the hull; from a corner of the hull's left side the chord goes to the next corner. So the
    leftmost chord is the edge. A row of pixels is met where it is nearest to the height of the leftmost point.
    """
    x, y = points.unbind(dim=-1)
    height = y[:, None, :] - y[:, :, None]
    slope = (x[:, None, :] - x[:, :, None]) / height
    slope, end = slope.masked_fill(height <= 0, torch.inf).min(dim=-1)
    lowest = slope.isinf()
    bottom = torch.where(lowest, y, y.gather(1, end))[..., None]
    x, y, slope = x[..., None], y[..., None], slope.masked_fill(lowest, 0)[..., None]
    summit = y.gather(1, x.argmin(dim=1, keepdim=True))
    met = summit.clamp(rows - 0.5, rows + 0.5)
    crossed = (met >= y) & (met <= bottom)
    return torch.where(crossed, torch.addcmul(x, slope, met - y), torch.inf).amin(dim=1)


def _spread(centred: Tensor) -> Tensor:
    """[..., n, 2] points about their centre → [...]: their root mean square distance from it."""
    return centred.square().sum(dim=-1).mean(dim=-1).sqrt()
