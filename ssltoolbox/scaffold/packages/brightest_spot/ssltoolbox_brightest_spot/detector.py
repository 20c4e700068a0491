"""The detector. Each process makes its own."""

from __future__ import annotations

import numpy as np

from ssltoolbox_brightest_spot import BrightestSpotOptions


class BrightestSpot:
    """Finds the brightest pixel. Load a library or a model in `__init__`."""

    def __init__(self, options: BrightestSpotOptions) -> None:
        self.options = options

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """[H, W, 3] uint8 RGB → [68, 2] float32 x and y in pixels, or None if there is no face."""
        light = image.mean(axis=2)
        if light.max() < self.options.dark:
            return None
        y, x = np.unravel_index(light.argmax(), light.shape)
        angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return (np.array([x, y]) + self.options.radius * circle).astype(np.float32)
