"""The contracts of views. A target is called as `Target(options)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Side = Literal["a", "b"]


@runtime_checkable
class View(Protocol):
    """An augmentation pipeline. It runs on the device; on a CPU, `augment` runs on the loader's workers.

    An optional attribute `on_workers` overrides this: with True, the view runs on the loader's workers also if
    there is a GPU; with False, it never does. Use True for a view that can't augment a batch at once.

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


@runtime_checkable
class CroppingView(View, Protocol):
    """A view that also makes local crops; its options derive from `CropOptions`.

    Examples:
        >>> class Corner:
        ...     def augment(self, images, landmarks, side):
        ...         return images.float() / 255
        ...     def plain(self, images):
        ...         return images.float() / 255
        ...     def crop(self, images, landmarks, number):
        ...         return images[..., :16, :16].float() / 255
        >>> isinstance(Corner(), CroppingView)
        True
    """

    def crop(self, images: Tensor, landmarks: Tensor, number: int) -> Tensor:
        """[B, 3, S, S] uint8 and [B, 68, 2] pixels → [B, 3, crop_size, crop_size] float: local crop `number`.

        Even numbers are crops of side A's images, odd numbers of side B's.
        """
        ...


@runtime_checkable
class PairedView(View, Protocol):
    """A view that augments both sides in one call, for example to mirror both images of a pair.

    Examples:
        >>> import torch
        >>> class Together:
        ...     def augment(self, images, landmarks, side):
        ...         return images.float() / 255
        ...     def plain(self, images):
        ...         return images.float() / 255
        ...     def augment_pair(self, images_a, landmarks_a, images_b, landmarks_b):
        ...         mirrored = torch.rand(len(images_a), 1, 1, 1) < 0.5
        ...         return tuple(torch.where(mirrored, x.flip(-1), x) / 255 for x in (images_a, images_b))
        >>> isinstance(Together(), PairedView)
        True
    """

    def augment_pair(
        self, images_a: Tensor, landmarks_a: Tensor, images_b: Tensor, landmarks_b: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Augments both sides. It is called instead of `augment` if the method uses both.

        Of each side: [B, 3, S, S] uint8 and [B, 68, 2] pixels → [B, 3, size, size] float, normalised, augmented.
        """
        ...


@runtime_checkable
class SharedView(View, Protocol):
    """A view that separates drawing its random numbers from applying them, so that several devices share the work.

    Each device draws the numbers of the whole batch and augments only its own images. Other views, including each
    `PairedView`, get the whole batch on every device. The result is the same.

    Examples:
        >>> import torch
        >>> class Shade:
        ...     def random_parameters(self, count, part, device):
        ...         return (torch.rand(count, device=device),)
        ...     def augment_with(self, images, landmarks, part, parameters):
        ...         return self.plain(images) * parameters[0][:, None, None, None]
        ...     def augment(self, images, landmarks, side):
        ...         parameters = self.random_parameters(len(images), side, images.device)
        ...         return self.augment_with(images, landmarks, side, parameters)
        ...     def plain(self, images):
        ...         return images.float() / 255
        >>> isinstance(Shade(), SharedView)
        True
    """

    def random_parameters(self, count: int, part: Side | int, device: torch.device) -> tuple[Tensor, ...]:
        """Tensors [count, …] with all random numbers for one side, or one local crop, of the images.

        They come from torch's global generator.

        Args:
            count: number of images.
            part: the side for `augment`; the number of the local crop for `crop`.
            device: the device of the images.
        """
        ...

    def augment_with(
        self, images: Tensor, landmarks: Tensor, part: Side | int, parameters: tuple[Tensor, ...]
    ) -> Tensor:
        """`augment` or `crop` with these parameters, a row for each image. It uses no other random numbers."""
        ...
