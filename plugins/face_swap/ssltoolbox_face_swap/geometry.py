"""Geometry of the 68 iBUG landmarks: usable faces, similarity transforms between faces, and the swapped region.

Whole numbers are the centres of pixels, so that an image of S pixels reaches from -0.5 to S - 0.5.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ssltoolbox_face_swap import Region

EYES_AND_BROWS = [*range(17, 27), *range(36, 48)]
NOSE_AND_MOUTH = [*range(27, 35), *range(48, 61)]
ALIGNED = torch.tensor([*range(17, 35), *range(36, 61)])
"""The points that two faces are aligned by."""
JAW = slice(0, 17)
INNER = slice(17, 61)
"""Brows, nose, eyes and the outline of the mouth."""
_CORNERS = len(EYES_AND_BROWS)
_REGIONS = torch.tensor(
    [*EYES_AND_BROWS, *NOSE_AND_MOUTH, *NOSE_AND_MOUTH[:1] * (_CORNERS - len(NOSE_AND_MOUTH))]
)
"""Equally long, so that all hulls are found at once: a corner twice is the same hull."""
ROUNDING = 1e-3
"""Tolerance in pixels for a point beyond a line that bounds its hull."""


def is_usable(points: Tensor, size: int) -> Tensor:
    """Whether [..., 68, 2] landmarks describe a face that can be aligned: [...] bool.

    All must be finite, their centre must lie in the image, and they must spread by at least a pixel and at most
    the image's `size`.
    """
    aligned = points.index_select(-2, ALIGNED.to(points.device))
    centre = aligned.mean(dim=-2)
    spread = _spread(aligned - centre[..., None, :])
    inside = ((centre >= -0.5) & (centre <= size - 0.5)).all(dim=-1)
    finite = points.abs().amax(dim=(-2, -1)) < torch.inf
    return finite & inside & (spread >= 1) & (spread <= size)


def eye_distance(points: Tensor) -> Tensor:
    """[B, 68, 2] → [B]: pixels between the centres of the two eyes."""
    return (points[:, 36:42].mean(dim=1) - points[:, 42:48].mean(dim=1)).norm(dim=-1)


def similarity(points: Tensor, targets: Tensor) -> Tensor:
    """The similarity transforms that lay [B, 68, 2] landmarks onto others: [B, 2, 3].

    Centres and spreads agree afterwards, and the rotation is the best one (Procrustes); in the plane its angle
    has a closed form.
    """
    both = torch.stack([points, targets]).index_select(2, ALIGNED.to(points.device))
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


def region_corners(points: Tensor, region: Region = "features") -> Tensor:
    """The corners of the hulls of a region, for each of F faces: [B, F, 68, 2] → [B, hulls · F, n, 2].

    `features` has two hulls, eyes with brows and nose with mouth; `face` has one around all of them.
    """
    if region == "face":
        return points[:, :, INNER]
    corners = points.index_select(2, _REGIONS.to(points.device))
    return corners.unflatten(2, (-1, _CORNERS)).flatten(1, 2)


def region_box(corners: Tensor, margin: Tensor, size: int) -> Tensor:
    """The pixels that hulls of [B, H, n, 2] corners touch and `margin` [B] around them, within the image.

    Returns:
        [B, 2, 2] whole numbers: the first and the last pixel, x and y.
    """
    low, high = corners.flatten(1, 2).aminmax(dim=1)
    box = torch.stack([low.round() - 1 - margin[:, None], high.round() + 1 + margin[:, None]], dim=1)
    return box.clamp_(0, size - 1).long()


class Spans(NamedTuple):
    """Pixels in rows of an image.

    Attributes:
        start: [B, H, S] whole floats, the first pixel in each of S rows.
        end: the same of the first pixel behind; equal to `start` in a row without pixels.
    """

    start: Tensor
    end: Tensor

    def within(self, bounds: Spans) -> Spans:
        """Those pixels that are also in `bounds`."""
        return Spans(self.start.clamp(*bounds), self.end.clamp(*bounds))


def hull_spans(points: Tensor, height: int, width: int) -> Spans:
    """The pixels in each row that the convex hulls of [B, H, n, 2] points touch, in an image."""
    rows = torch.arange(height, device=points.device, dtype=points.dtype)
    left, right = _edges(points.flatten(0, 1), rows).mT.unflatten(1, points.shape[:2])
    start = (left - 0.5).ceil_().clamp_(0, width)
    end = (0.5 - right).floor_().add_(1).clamp_(0, width)
    return Spans(start, torch.maximum(start, end))


def reached_spans(transforms: Tensor, columns: Tensor, rows: Tensor, size: int) -> Spans:
    """Which pixels of [B, n] columns and [B, S] rows touch a frame of `size`, that [B, 2, 3] transforms lead to:
    one span in each row."""
    slant, drop, shift = transforms[..., None].unbind(dim=2)
    slack = 0.5 * (slant.abs() + drop.abs())
    here = slant * columns[:, None, :1] + drop * rows[:, None] + shift
    ends = torch.stack([-slack - here, slack + (size - 1) - here]) / slant
    start = ends.amin(dim=0).amax(dim=1).ceil_()
    end = ends.amax(dim=0).amin(dim=1).floor_().add_(1)
    spans = torch.stack([start, torch.maximum(start, end)])
    return Spans(*spans.nan_to_num_(0).clamp_(0, columns.shape[1])[:, :, None])


def fill_spans(spans: Spans, width: int) -> Tensor:
    """[B, S, width] float: 1 within any of the H spans of a row, else 0."""
    start, end = (pixels.long().transpose(1, 2) for pixels in spans)
    steps = spans.start.new_zeros((*start.shape[:2], width + 1))
    one = torch.ones_like(start, dtype=steps.dtype)
    steps.scatter_add_(2, start, one).scatter_add_(2, end, -one)
    return steps.cumsum(dim=2)[..., :width].clamp_(max=1)


def _edges(points: Tensor, rows: Tensor) -> Tensor:
    """The left edges of convex hulls and of their mirror images, in each row of pixels.

    Args:
        points: [B, n, 2].
        rows: [S].

    Returns:
        [2, S, B] x; infinite in rows that the hull does not touch.

    From each point a line leads to the lower point that is farthest to the left by its angle; from the lowest
    point the line leads straight down. A line with no point on its left bounds the hull, and the rightmost of
    these lines is the edge. Within a row, the edge is taken at the height that is nearest to the leftmost point.

    The batch is the last dimension, and large tensors are overwritten, because this is faster on a CPU.
    """
    x, y = points.permute(2, 1, 0).contiguous()
    x = torch.stack([x, -x])
    aside, height = x[:, None] - x[:, :, None], y - y[:, None]
    slope = aside.div(height.clamp(min=0)).nan_to_num_(*[torch.inf] * 3).amin(dim=2)
    slope.nan_to_num_(posinf=0, neginf=0)
    leftmost = aside.addcmul_(slope[:, :, None], height, value=-1).amin(dim=2)
    bound = x.masked_fill(leftmost < -ROUNDING, -torch.inf)
    summit = y.expand_as(x).gather(1, x.min(dim=1, keepdim=True).indices)
    top, bottom = rows[:, None] - 0.5, rows[:, None] + 0.5
    below = summit.clamp(top, bottom)[:, :, None] - y
    edge = torch.addcmul(bound[:, None], below, slope[:, None], out=below).amax(dim=2)
    return edge.masked_fill_((bottom < y.amin(dim=0)) | (top > y.amax(dim=0)), torch.inf)


def _spread(centred: Tensor) -> Tensor:
    """[..., n, 2] points about their centre → [...]: their root mean square distance from it."""
    x, y = centred.square().unbind(dim=-1)
    return (x + y).mean(dim=-1).sqrt()
