"""The contract of views. A target is called with its options, as parsed: `Target(options)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

Side = Literal["a", "b"]


@runtime_checkable
class View(Protocol):
    """An augmentation pipeline on the device, in batch; on a CPU `augment` runs on the loader's workers.

    Examples:
        >>> import torch
        >>> class Mirror:
        ...     def __init__(self, options):
        ...         self.size = options.size
        ...     def augment(self, images, landmarks, side):
        ...         return self.plain(images).flip(-1)
        ...     def plain(self, images):
        ...         return torch.nn.functional.interpolate(images.float() / 255, (self.size, self.size))
        >>> from ssltoolbox.api import ViewOptions
        >>> view = Mirror(ViewOptions(size=32))
        >>> images, landmarks = torch.zeros(2, 3, 48, 48, dtype=torch.uint8), torch.full((2, 68, 2), torch.nan)
        >>> isinstance(view, View), list(view.augment(images, landmarks, "a").shape)
        (True, [2, 3, 32, 32])
    """

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 and [B, 68, 2] pixels → [B, 3, size, size] float, normalised, augmented."""
        ...

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float, normalised, without augmentation, for evaluation."""
        ...
