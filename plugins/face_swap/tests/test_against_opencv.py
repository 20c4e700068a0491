"""Batched swaps against the published steps, one pair at a time, by OpenCV."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from ssltoolbox_face_swap.swap import swap_faces

from ssltoolbox.api import Batch

cv2 = pytest.importorskip("cv2")
published = pytest.importorskip(
    "published", reason="benchmarks/published.py is not here", exc_type=ImportError
)

REAL_FACES = Path(__file__).parents[3].parent / "shared" / "faces"
SURE = np.ones((5, 5), np.uint8)
"""What a region is shrunk by: OpenCV moves its corners to whole pixels, so edges differ by up to a pixel."""


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(((first.astype(float) - second) ** 2).mean(), 1e-9))


def agreement(
    frames: torch.Tensor, points: torch.Tensor, heads: torch.Tensor, head_points: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """PSNR of each pair on the whole region, and on its inside."""
    swapped, _ = swap_faces(frames, points, heads, head_points, blur=0.6, feather=0.0)
    images = [part.permute(0, 2, 3, 1).numpy() for part in (frames, heads, swapped)]
    whole, inside = [], []
    for frame, head, ours, here, there in zip(*images, points.numpy(), head_points.numpy(), strict=True):
        theirs, region = published.swap_face(frame, here, head, there)
        sure = cv2.erode(region.astype(np.uint8), SURE) > 0
        whole.append(psnr(ours[region], theirs[region]))
        inside.append(psnr(ours[sure], theirs[sure]))
    return np.array(whole), np.array(inside)


def check(whole: np.ndarray, inside: np.ndarray) -> None:
    assert np.median(whole) > 35
    assert whole.min() > 25
    assert inside.min() > 40


@pytest.mark.parametrize("size", [48, 64, 112, 224])
def test_swaps_of_drawn_faces_agree_with_opencv(faces: Callable[..., Batch], size: int) -> None:
    batch = faces(16, hard=0, size=size)
    frames, points = batch.frames[:, 0], batch.landmarks[:, 0]
    check(*agreement(frames, points, frames.roll(3, 0), points.roll(3, 0)))


@pytest.mark.skipif(not REAL_FACES.exists(), reason="no folder of real faces")
@pytest.mark.parametrize("size", [64, 112, 224])
def test_swaps_of_real_faces_agree_with_opencv(size: int) -> None:
    clips = sorted(path.parent for path in REAL_FACES.glob("*/*/*/landmarks68.npy"))
    images, points = zip(
        *(read(clip, place, size) for clip, place in product(clips, (0.1, 0.5, 0.9))), strict=True
    )
    frames, landmarks = torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(points))
    check(*agreement(frames, landmarks, frames.roll(3, 0), landmarks.roll(3, 0)))


def read(clip: Path, place: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """[3, size, size] and [68, 2] of the frame at that share of the clip."""
    paths = sorted(clip.glob("*.jpg"))
    index = int(place * len(paths))
    image = cv2.imread(str(paths[index]))[..., ::-1]
    points = (np.load(clip / "landmarks68.npy")[index] + 0.5) * size / len(image) - 0.5
    resized = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return resized.transpose(2, 0, 1).copy(), points.astype(np.float32)
