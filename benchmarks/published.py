"""The published way to a pair of views, image by image: detection by dlib, swaps by OpenCV, views by torchvision.

The steps and settings are those of Shu et al. (BMVC 2022, sections 3.1 and 4) and of their code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageStat

REGIONS = ([*range(17, 27), *range(36, 48)], [*range(27, 35), *range(48, 61)])
"""Eyes with brows, nose with mouth."""
ALIGNED = [*range(17, 35), *range(36, 61)]
COVERED = (slice(48, 68), slice(36, 42), slice(42, 48))
"""Mouth, left eye, right eye."""


def swap_face(
    frame: np.ndarray, points: np.ndarray, head: np.ndarray, head_points: np.ndarray, blur: float = 0.6
) -> tuple[np.ndarray, np.ndarray]:
    """[S, S, 3] uint8 and [68, 2] of both → [S, S, 3] uint8, and the region [S, S] bool."""
    transform = procrustes(points[ALIGNED].astype(np.float64), head_points[ALIGNED].astype(np.float64))
    warped = _warp(frame, transform)
    region = np.maximum(_hulls(head_points, len(head)), _warp(_hulls(points, len(frame)), transform))
    face = _recoloured(warped, head, head_points, blur).clip(0, 255)
    pixels = head + region[..., None] * (face - head)
    return pixels.round().astype(np.uint8), region > 0


def procrustes(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """[2, 3]: centres and standard deviations are matched, the rotation is found by an SVD."""
    (start, start_centre), (end, end_centre) = ((p - p.mean(0), p.mean(0)) for p in (points, targets))
    u, _, vt = np.linalg.svd((start / start.std()).T @ (end / end.std()))
    linear = end.std() / start.std() * (u @ vt).T
    return np.column_stack([linear, end_centre - linear @ start_centre])


def _warp(image: np.ndarray, transform: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(
        image, transform, image.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _hulls(points: np.ndarray, size: int) -> np.ndarray:
    mask = np.zeros((size, size), np.float32)
    for region in REGIONS:
        cv2.fillConvexPoly(mask, cv2.convexHull(points[region].round().astype(np.int32)), 1)
    return mask


def _recoloured(face: np.ndarray, head: np.ndarray, head_points: np.ndarray, blur: float) -> np.ndarray:
    eyes = np.linalg.norm(head_points[36:42].mean(0) - head_points[42:48].mean(0))
    kernel = int(blur * eyes)
    kernel += kernel % 2 == 0
    own, wanted = (cv2.GaussianBlur(image, (kernel, kernel), 0).astype(np.float64) for image in (face, head))
    return face * wanted / (own + 128 * (own <= 1))


def cover(image: Image.Image, points: np.ndarray, part: int) -> None:
    """Paints an ellipse of the image's mean colour over a part of the face, 10 pixels wider than its box."""
    low, high = points[COVERED[part]].min(axis=0) - 10, points[COVERED[part]].max(axis=0) + 10
    mean = tuple(int(value) for value in ImageStat.Stat(image).mean)
    ImageDraw.Draw(image).ellipse([*low, *high], fill=mean)


def views(size: int) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The transforms of the two sides, from a PIL image to [3, size, size]."""
    from torchvision import transforms as T

    def side(jitter: float) -> Callable[[Any], Any]:
        colours = T.ColorJitter(0.4, 0.4, 0.4, 0.2)
        return T.Compose(
            [
                T.Resize(round(size * 128 / 112)),
                T.RandomCrop(size),
                T.RandomHorizontalFlip(),
                T.RandomApply([colours], p=jitter),
                T.RandomApply([T.GaussianBlur(3)], p=0.5),
                T.RandomGrayscale(0.2),
                T.ToTensor(),
                T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    return side(1.0), side(0.8)
