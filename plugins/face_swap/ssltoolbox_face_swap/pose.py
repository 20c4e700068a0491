"""From where the camera sees a head, by its landmarks: POS (DeMenthon and Davis, IJCV 1995) on a rigid face.

Roll in the image is left out, because a swap aligns it.
"""

from __future__ import annotations

import torch
from torch import Tensor

POINTS = [36, 45, 30, 48, 54]
"""Of the 68: the outer corners of the eyes, the tip of the nose, the corners of the mouth. Others move more."""
FACE = torch.tensor(
    [[-225, 170, -135], [225, 170, -135], [0, 0, 0], [-150, -150, -125], [150, -150, -125]],
    dtype=torch.float32,
)
"""[5, 3] those points of a plain face: to the right in the image, up, to the camera. The unit does not matter."""
FIT = torch.linalg.pinv(FACE - FACE.mean(dim=0))
"""[3, 5] gives the least-squares fit of the face to its points in an image, both about their means."""
MIRRORED = [
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
]  # fmt: skip
"""[68] the number of each point in a mirrored image."""


def views(points: Tensor) -> Tensor:
    """[..., 68, 2] pixels → [..., 3] unit vectors to the camera in axes of the head; NaN where a point is missing.

    Under weak perspective the image shows two axes of the camera, scaled; the third is at right angles to both.
    """
    # Half precision, which a training step may ask for, is too coarse for directions.
    with torch.autocast(points.device.type, enabled=False):
        chosen = points[..., POINTS, :].float() * points.new_tensor([1, -1])
        axes = FIT.to(points.device) @ (chosen - chosen.mean(dim=-2, keepdim=True))
        camera = torch.linalg.cross(axes[..., 0], axes[..., 1])
        return camera / camera.norm(dim=-1, keepdim=True)


def angles(one: Tensor, other: Tensor) -> Tensor:
    """[..., A, 3] and [..., B, 3] directions → [..., A, B] degrees between them."""
    with torch.autocast(one.device.type, enabled=False):
        return torch.rad2deg((one @ other.transpose(-1, -2)).clamp(-1, 1).arccos())


def mirrored_views(directions: Tensor) -> Tensor:
    """[..., 3] directions → those of the mirrored images."""
    return directions * directions.new_tensor([-1, 1, 1])


def mirrored(images: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """[B, 3, S, S] images and their [B, 68, 2] landmarks → both as in a mirror."""
    width = images.shape[-1]
    flipped = points[:, MIRRORED] * points.new_tensor([-1, 1]) + points.new_tensor([width - 1, 0])
    return images.flip(-1), flipped
