"""CycleFace: the parts that both stages have, and what the engine asks for."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, Pictures, StepInputs, StepOutput, UserError
from ssltoolbox.models import read_tensors
from ssltoolbox_cycleface import LAST_CHECKPOINT, CycleFaceOptions
from ssltoolbox_cycleface.stage1 import Stage1
from ssltoolbox_cycleface.stage2 import Stage2
from ssltoolbox_cycleface.trunk import Trunk, make_trunk

NO_MOTION = 0.01
"""A mean |field| below this, a third of a pixel at 64 pixels, is none."""
AS_ASYMMETRIC = 0.9
"""Neutral faces with more than this share of the images' asymmetry are the images themselves."""
PREFIX = "method."
"""What the keys of the method's tensors begin with in a checkpoint."""


class CycleFace(nn.Module):
    """Stage 1 or stage 2 around the backbone, with the frozen trunk."""

    stage: Stage1 | Stage2

    def __init__(self, options: CycleFaceOptions, context: MethodContext) -> None:
        super().__init__()
        self.options = options
        self.backbone = context.backbone
        if options.stage == 1:
            self.trunk = make_trunk(options.trunk, options.width)
            self.stage = Stage1(options, context.feature_dim, self.trunk)
        else:
            tensors = tensors_of_stage1(options.stage1)
            self.trunk = Trunk(len(tensors["trunk.features.10.weight"]))
            self.stage = Stage2(options, context, self.trunk)
            self._load(tensors)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the loss of the stage."""
        first, second = inputs.views
        if self.options.stage == 1:
            second = self._sometimes_mirrored(first, second)
        images = torch.cat([first, second])
        features = self.backbone(images)
        made = self.stage(images, features, self.trunk)
        terms = self.stage.terms(images, made, self.trunk)
        loss = torch.stack([self._weight(name) * term for name, term in terms.items()]).sum()
        logged = {f"{name}_loss": term.detach() for name, term in terms.items()}
        code_a, code_b = made.code.chunk(2)
        return StepOutput(loss, logged | self.stage.watched(images, made), code_a, code_b, features)

    def pictures(self, inputs: StepInputs) -> Pictures:
        """Side A and what is made of it, with a note if the field has collapsed."""
        images = torch.cat(inputs.views)
        made = self.stage(images, self.backbone(images), self.trunk)
        columns = {
            heading: column[: len(inputs.view_a)]
            for heading, column in self.stage.shown(images, made).items()
        }
        watched = self.stage.watched(images, made)
        return Pictures(columns, collapse({name: float(value) for name, value in watched.items()}))

    def _weight(self, name: str) -> float:
        """The weight of a term; the margin has none."""
        return float(getattr(self.options, f"{name}_weight", 1.0))

    def _sometimes_mirrored(self, first: Tensor, second: Tensor) -> Tensor:
        """The second images [M, 3, S, S], some of them replaced by the mirrored first ones."""
        chosen = torch.rand(len(first), 1, 1, 1, device=first.device) < self.options.mirror
        return torch.where(chosen, first.flip(-1), second)

    def _load(self, tensors: dict[str, Tensor]) -> None:
        """
        Raises:
            UserError: where the networks of stage 1 are others.
        """
        assert isinstance(self.stage, Stage2)
        for network, prefix in (
            (self.trunk, "trunk."),
            (self.stage.encoder, "backbone."),
            (self.stage.motion, "stage.motion."),
        ):
            theirs = {
                key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
            }
            try:
                network.load_state_dict(theirs)
            except RuntimeError as error:
                raise UserError(
                    f"method.stage1: the networks in {self.options.stage1} are others than those of this recipe: "
                    f"{' '.join(str(error).split())}",
                    "take the backbone and the options of stage 1",
                ) from error


def tensors_of_stage1(run: Path | None) -> dict[str, Tensor]:
    """The tensors of a run's method, by its own names.

    Raises:
        UserError: when there is no such run, or it is not of stage 1.
    """
    if run is None:
        raise UserError("method.stage1: stage 2 needs a run of stage 1", "write stage1: RUN, its folder")
    tensors = {
        key.removeprefix(PREFIX): value
        for key, value in read_tensors(run / LAST_CHECKPOINT).items()
        if key.startswith(PREFIX)
    }
    if "stage.motion.head.layers.0.weight" not in tensors or "stage.head.layers.0.weight" in tensors:
        raise UserError(f"method.stage1: {run} is not a run of cycleface, stage 1")
    return tensors


def collapse(watched: dict[str, float]) -> str:
    """A note if nothing moves and neutral faces are as asymmetric as the images; else empty.

    Examples:
        >>> collapse({"field": 0.2, "asymmetry_images": 0.5, "asymmetry_neutral": 0.1})
        ''
        >>> collapse({"field": 0.001, "asymmetry_images": 0.5, "asymmetry_neutral": 0.49})[:24]
        'The field has collapsed:'
    """
    field, images = watched.get("field", 1.0), watched.get("asymmetry_images", 0.0)
    neutral = watched.get("asymmetry_neutral", 0.0)
    if field >= NO_MOTION or neutral < AS_ASYMMETRIC * images:
        return ""
    return (
        f"The field has collapsed: nothing moves (mean |field| {field:.2g}), and neutral faces are as asymmetric "
        f"as the images ({neutral:.2g} and {images:.2g}). The network copies images and learns no expression. "
        "Raise method.symmetry_weight, or train longer."
    )
