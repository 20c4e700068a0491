"""The contract of methods and their context. A target is called as `Target(options, context)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ssltoolbox.api.tensors import TensorFields

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ssltoolbox.api.maskers import Maskers
    from ssltoolbox.api.options import DataFacts
    from ssltoolbox.api.tensors import Batch, Rows, StepOutput


def _no_factory() -> nn.Module:
    raise NotImplementedError("this context was made without a way to make another backbone")


@dataclass(frozen=True)
class MethodContext:
    """What the engine passes to a method when it creates the method.

    Attributes:
        backbone: the trainable backbone, [B, 3, S, S] → [B, feature_dim].
        feature_dim: the size of its features.
        descriptor_dim: F, the total size of the maskers' descriptors.
        maskers: the recipe's maskers, combined.
        instances: M over all ranks. The length of a queue must be divisible by it.
        steps: optimiser steps of the whole run, for schedules.
        distributed: True with more than one rank; the method must then gather negatives.
        backbone_name: name of the backbone, such as `resnet50`.
        new_backbone: makes another network of the same kind, with new random weights.
        image_size: S, height and width of the images in pixels.
        crop_size: height and width of the local crops in pixels; 0 without crops.
        crops: the number of local crops of each instance.
        steps_per_epoch: optimiser steps of an epoch.
        data: facts of the training data; None if they are not known.
    """

    backbone: nn.Module
    feature_dim: int
    descriptor_dim: int
    maskers: Maskers
    instances: int
    steps: int
    distributed: bool
    backbone_name: str = ""
    new_backbone: Callable[[], nn.Module] = _no_factory
    image_size: int = 0
    crop_size: int = 0
    crops: int = 0
    steps_per_epoch: int = 0
    data: DataFacts | None = None


@dataclass(frozen=True, eq=False)
class StepInputs(TensorFields):
    """The inputs of a method in a step. The method's descriptor declares which of them it uses.

    Attributes:
        view_a: [M, 3, S, S] the augmented views of side A.
        view_b: [M, 3, S, S] the augmented views of side B; row i of both is a pair. None if the method does not
            use it.
        rows: 2M rows, side A then side B; M rows of side A if there is no side B.
        step: optimiser steps done before this one.
        crops: local crops, [M, 3, c, c] each; even numbers are crops of side A's images, odd numbers of side B's.
        batch: the frames as rendered, with landmarks, labels, clip and identity. None if the method does not use
            it.
    """

    view_a: Tensor
    view_b: Tensor | None
    rows: Rows
    step: int = 0
    crops: tuple[Tensor, ...] = ()
    batch: Batch | None = None

    @property
    def views(self) -> tuple[Tensor, Tensor]:
        """`view_a` and `view_b`, for a method that uses both sides."""
        assert self.view_b is not None
        return self.view_a, self.view_b


class Method(Protocol):
    """A method of self-supervised learning: an `nn.Module`, called as `Target(options, context)`.

    The engine trains its parameters and saves its state in checkpoints. A method may also follow `UpdatedMethod`,
    `GroupedMethod`, `GradientMethod` and `PicturingMethod`.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from ssltoolbox.api import Options, StepOutput
        >>> class Align(nn.Module):
        ...     def __init__(self, options, context):
        ...         super().__init__()
        ...         self.backbone = context.backbone
        ...     def step(self, inputs):
        ...         side_a, side_b = map(self.backbone, inputs.views)
        ...         loss = (side_a - side_b).square().mean()
        ...         return StepOutput(loss, {"distance": loss.detach()}, side_a.detach(), side_b.detach())
        >>> from types import SimpleNamespace
        >>> method = Align(Options(), SimpleNamespace(backbone=nn.Flatten()))
        >>> output = method.step(StepInputs(torch.zeros(4, 3, 2, 2), torch.ones(4, 3, 2, 2), rows=None))
        >>> output.loss.item(), list(output.embeddings.shape)
        (1.0, [4, 12])
    """

    backbone: nn.Module

    def step(self, inputs: StepInputs) -> StepOutput:
        """Computes the loss of a micro-batch on this rank."""
        ...


@runtime_checkable
class UpdatedMethod(Protocol):
    """A method that changes before each optimiser step, such as one with a momentum network.

    Examples:
        >>> class Following:
        ...     def before_step(self, step):
        ...         self.momentum = min(1, 0.99 + 1e-4 * step)
        >>> isinstance(Following(), UpdatedMethod)
        True
    """

    def before_step(self, step: int) -> None:
        """Called once before each optimiser step, not each micro-batch. Update momentum networks here."""
        ...


@runtime_checkable
class GroupedMethod(Protocol):
    """A method with groups of parameters, such as a head with its own learning rate.

    Examples:
        >>> from torch import nn
        >>> class Slow(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.head = nn.Linear(2, 2)
        ...     def param_groups(self):
        ...         return [{"params": self.head.parameters(), "lr_scale": 0.1, "weight_decay": 0.0}]
        >>> isinstance(Slow(), GroupedMethod)
        True
    """

    def param_groups(self) -> Iterable[Mapping[str, Any]]:
        """Parameter groups as for torch's optimisers. `lr_scale` multiplies the learning rate of a group.

        Settings that a group lacks come from the recipe. Parameters that are in no group form a group with the
        recipe's settings.
        """
        ...


@runtime_checkable
class GradientMethod(Protocol):
    """A method that reads or changes the gradients before the optimiser step.

    Examples:
        >>> class Frozen:
        ...     def after_backward(self, step):
        ...         if step < 100:
        ...             self.last_layer.weight.grad = None
        >>> isinstance(Frozen(), GradientMethod)
        True
    """

    def after_backward(self, step: int) -> None:
        """Called once for each optimiser step, after the backward passes of all its micro-batches and before the
        gradients are clipped. DINO, for example, freezes its last layer in the first epoch.
        """
        ...


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a method makes of a few images, for the report of a run.

    Attributes:
        columns: heading → [n, 3, h, w] images, with the normalisation of the views. Image i of each column is
            shown in row i; sizes may differ between columns. Without columns, there is no picture.
        note: what a reader must know, such as that the training has collapsed. It is also printed and logged.

    Raises:
        ValueError: if a column does not consist of images, or if columns have different numbers of images.
    """

    columns: Mapping[str, Tensor] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        shapes = {heading: tuple(images.shape) for heading, images in self.columns.items()}
        wrong = [heading for heading, shape in shapes.items() if len(shape) != 4 or shape[1] != 3]
        if wrong:
            raise ValueError(f"the column {wrong[0]!r} is {list(shapes[wrong[0]])}, not images [n, 3, h, w]")
        if len({shape[0] for shape in shapes.values()}) > 1:
            raise ValueError(f"the columns have different numbers of images: {shapes}")


@runtime_checkable
class PicturingMethod(Protocol):
    """A method that shows what it makes of images, such as a reconstruction.

    Examples:
        >>> import torch
        >>> class Blind:
        ...     def pictures(self, inputs):
        ...         return Pictures({"image": inputs.view_a, "reconstruction": torch.zeros_like(inputs.view_a)})
        >>> isinstance(Blind(), PicturingMethod)
        True
        >>> list(Blind().pictures(StepInputs(torch.ones(4, 3, 2, 2), None, rows=None)).columns)
        ['image', 'reconstruction']
    """

    def pictures(self, inputs: StepInputs) -> Pictures:
        """Called once after training, in evaluation mode and without gradients, with the first instances of the
        first step."""
        ...


def step_of(method: Any, api: int) -> Callable[[StepInputs], StepOutput]:
    """The function that computes a step of a method written for that version of the API."""
    if api != 1:
        step: Callable[[StepInputs], StepOutput] = method.step
        return step
    return lambda inputs: method.step(inputs.view_a, inputs.view_b, inputs.rows)
