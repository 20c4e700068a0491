"""Soft-edged painting in batch: a canvas of pictures, windows on it, masks, and strokes of colour.

Every operation is elementwise and exactly rounded, see the package's docstring. A mask is exactly 0 outside of its
shape, so the size of a window does not change the result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from ssltoolbox.data.synthetic_faces.pose import Array, Plane


def column(values: NDArray[np.floating]) -> Tensor:
    """[B] → [B, 1, 1], or a colour [B, 3] → [B, 3, 1, 1]: a number for each picture, to meet its pixels."""
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    return tensor.view(*tensor.shape, 1, 1)


class CanvasWindow:
    """A rectangle of every image: one size, another position in each. Positions are pixels from `origin`.

    Attributes:
        pixels: [B, 3, h, w] the pixels to paint on.
        x: [B, 1, w]; y: [B, h, 1].
    """

    def __init__(self, pixels: Tensor, x: Tensor, y: Tensor) -> None:
        self.pixels, self.x, self.y = pixels, x, y

    def rows(self, points: Array, reach: Array) -> CanvasWindow:
        """Those of its rows that come within `reach` [B] of points [B, n, 2], in any picture."""
        return self._between(points[..., 1].min(axis=1) - reach, points[..., 1].max(axis=1) + reach)

    def below(self, points: Array, reach: Array) -> CanvasWindow:
        """The rows of `rows`, and all rows below them."""
        return self._between(points[..., 1].min(axis=1) - reach, np.full(len(points), np.inf))

    def _between(self, low: Array, high: Array) -> CanvasWindow:
        """The rows from some height [B] to another, in any picture."""
        first = self.y[:, 0, 0].numpy()
        height = self.y.shape[1]
        top = int(np.clip(np.floor((low - first).min()), 0, height - 1))
        end = int(np.clip(np.ceil((high - first).max()) + 1, top + 1, height))
        return CanvasWindow(self.pixels[:, :, top:end], self.x, self.y[:, top:end])

    def local(self, plane: Plane) -> tuple[Tensor, Tensor]:
        """The coordinates (u, v) of a plane at the pixels, each [B, h, w]."""
        inverse = plane.inverse()
        x = self.x - column(plane.centre[:, 0])
        y = self.y - column(plane.centre[:, 1])
        u, v = (x * column(inverse[:, row, 0]) + y * column(inverse[:, row, 1]) for row in (0, 1))
        return u, v

    def away_from(self, start: Array, end: Array) -> Tensor:
        """[B, h, w]: the distance in pixels from the straight line between two points [B, 2]."""
        step = end - start
        length = step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1]
        x, y = self.x - column(start[:, 0]), self.y - column(start[:, 1])
        along = (x * column(step[:, 0] / length) + y * column(step[:, 1] / length)).clamp_(0, 1)
        x = x - along * column(step[:, 0])
        y = y - along.mul_(column(step[:, 1]))
        return x.mul_(x).add_(y.mul_(y)).sqrt_()

    def paint(self, colour: Tensor, mask: Tensor) -> None:
        """Lays `colour` [B, 3, 1 or h, 1 or w] over the pixels where `mask` [B, h, w] in [0, 1] says."""
        self.pixels += (colour - self.pixels).mul_(mask[:, None])


class Canvas:
    """B square pictures in floats, [B, 3, size, size]."""

    def __init__(self, batch: int, size: int, origin: Array) -> None:
        self.size = size
        self.pixels = torch.empty(batch, 3, size, size)
        self._origin = origin

    def whole(self) -> CanvasWindow:
        """A window on everything."""
        return self._window(self.pixels, np.zeros_like(self._origin))

    def around(self, points: Array, reach: Array, paint: Callable[[CanvasWindow], None]) -> None:
        """Calls `paint` with a window around `points` [B, n, 2], larger by `reach` [B] on all sides."""
        low, high = points.min(axis=1) - reach[:, None], points.max(axis=1) + reach[:, None]
        corner = np.floor(low + self._origin)
        wanted = np.ceil((high + self._origin - corner).max(axis=0)) + 1
        width, height = np.minimum(wanted, self.size).astype(int).tolist()
        corner = np.clip(corner, 0, [self.size - width, self.size - height])
        boxes = sliding_window_view(self.pixels.numpy(), (height, width), axis=(2, 3), writeable=True)
        x, y = corner.astype(int).T
        here = np.arange(len(boxes)), slice(None), y, x
        window = self._window(torch.from_numpy(boxes[here]), corner.astype(np.float32))
        paint(window)
        boxes[here] = window.pixels.numpy()

    def _window(self, pixels: Tensor, corner: Array) -> CanvasWindow:
        """The window of `pixels` whose first pixel is at `corner` [B, 2] of the pictures."""
        height, width = pixels.shape[2:]
        start = torch.from_numpy(corner - self._origin)[:, :, None, None]
        return CanvasWindow(
            pixels, start[:, 0] + torch.arange(width), start[:, 1] + torch.arange(height)[:, None]
        )


def soft(distance: Tensor) -> Tensor:
    """The mask of a shape from the distance to its edge, in pixels, positive inside. In place."""
    return distance.add_(0.5).clamp_(0, 1)


def faint(ratio: Tensor) -> Tensor:
    """The mask of something without an edge: fades from 1 in its middle to 0 where `ratio` is 1. In place."""
    return ratio.neg_().add_(1).clamp_(0, 1)


def ellipse(u: Tensor, v: Tensor, half_u: Tensor, half_v: Tensor, pixels: Tensor) -> Tensor:
    """The mask of an ellipse about (0, 0); `pixels` is the length of 1 unit."""
    x, y = u / half_u, v / half_v
    distance = 1 - x.mul_(x).add_(y.mul_(y)).sqrt_()
    return soft(distance.mul_(torch.minimum(half_u, half_v) * pixels))
