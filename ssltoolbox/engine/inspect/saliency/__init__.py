"""Saliency of several networks on the same faces, as a picture and as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.saliency.faces import FaceImages
from ssltoolbox.engine.inspect.saliency.occlusion import occlusion_maps
from ssltoolbox.engine.inspect.saliency.page import SaliencyColumn, write_page
from ssltoolbox.engine.inspect.saliency.regions import Shares, mean_shares, region_masks
from ssltoolbox.models.devices import best_device, to_device


@dataclass(frozen=True)
class Seen:
    """Saliency of one network.

    Attributes:
        maps: [B, size, size], each with the sum 1, or all 0 if no occlusion changes the features.
        shares: shares of saliency and of area in the regions; None if no face has landmarks.
    """

    maps: np.ndarray
    shares: Shares | None


def saliency(networks: Mapping[str, Components], faces: FaceImages, output: Path) -> dict[str, Seen]:
    """Writes the picture, a PNG: a row for each face, a column for each network.

    Args:
        networks: name → the components of a plan of `open_source`.
        faces: the images.

    Raises:
        SslToolboxError: where the file can't be written.
    """
    seen = {name: _seen_by(components, faces) for name, components in networks.items()}
    columns = [SaliencyColumn(name, its.maps, its.shares) for name, its in seen.items()]
    write_page(faces, columns, output)
    return seen


def _seen_by(components: Components, faces: FaceImages) -> Seen:
    device = best_device()
    images = to_device(components.view, device).plain(faces.images.to(device))
    backbone = components.initial_encoder().eval().to(device)
    maps = occlusion_maps(backbone, images).cpu().numpy()
    masks = [region_masks(points, faces.size, maps.shape[-1]) for points in faces.landmarks]
    return Seen(maps, mean_shares(maps, masks))
