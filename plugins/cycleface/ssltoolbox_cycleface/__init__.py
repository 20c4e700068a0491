"""CycleFace: expression and identity from the cycle-consistency of faces (Chang, Chen and Chiu, ICCV 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from ssltoolbox.api import (
    BackboneDescriptor,
    Descriptor,
    MethodDescriptor,
    Options,
    Problem,
    Setting,
    ViewOptions,
    hookimpl,
)

SMALLEST_IMAGE = 16
"""Pixels. Smaller images have no pixel left at the trunk's deepest map."""
LAST_CHECKPOINT = Path("checkpoints", "last.ckpt")
"""Path of a run's last checkpoint, relative to the run folder."""
AS_IN_STAGE_1 = ("trunk", "width", "code_dim", "inverse", "inverse_steps")
"""Options that have to be the same in both stages."""


class CycleFaceOptions(Options):
    """Settings of CycleFace. The defaults are those of the published code, except for its errors."""

    stage: Literal[1, 2] = 1
    """1 learns expression; 2 learns identity, with the frozen networks of a run of stage 1."""
    stage1: Path | None = None
    """The folder of the run of stage 1, for stage 2 only. Do not move or delete it: a run of stage 2 needs it
    to resume, to evaluate, to draw pictures and in `load_method`."""
    trunk: Literal["imagenet", "random"] | Path = "imagenet"
    """Weights of the frozen VGG19 whose maps the generator and the style loss use. `imagenet` downloads those of
    ImageNet once. A path names a file with torchvision's or timm's keys. `random` makes a random network as narrow
    as `width`. Stage 2 takes the weights from the run of stage 1, and the option must be the same."""
    inverse: Literal["fixed_point", "published"] = "fixed_point"
    """How the field f is inverted. `fixed_point` solves b(p) = −f(p + b(p)). `published` is b(p) = −f(p +
    f(p)), as in the published code, which steps in the wrong direction."""
    inverse_steps: int = Field(default=2, ge=0, le=50)
    """Steps of `inverse: fixed_point`, which begins with b = −f."""
    margin: Literal["hinge", "published"] = "hinge"
    """How far the mean face m may be from a neutral face n without a loss, in stage 2 only. `hinge` is
    mean relu(|m − n| − 0.1). `published` is the code's mean |m − n| − 0.1, which has no margin."""
    mirror: float = Field(default=0.5, ge=0, le=1)
    """Probability that the second image of a pair is the mirrored first one, in stage 1 only."""
    noise: bool = True
    """Whether pixels that a warp leaves empty in the generator's maps are filled with noise; otherwise with the
    mean of the map."""
    pixel_weight: float = Field(default=1.0, ge=0)
    """Weight of the L1 distances."""
    style_weight: float = Field(default=0.01, ge=0)
    """Weight of the distances of Gram matrices of the trunk's maps."""
    ssim_weight: float = Field(default=5.0, ge=0)
    """Weight of 1 − SSIM."""
    symmetry_weight: float = Field(default=1.5, ge=0)
    """Weight of the asymmetry of neutral faces. Without this term, a zero field would solve stage 1."""
    code_dim: int = Field(default=256, ge=1)
    """Size of the expression code and of the identity code."""
    width: int = Field(default=256, ge=8, multiple_of=8)
    """Channels of the field decoder, the generator and the normaliser, and of a random trunk."""

    def notices(self) -> Iterator[str]:
        if self.trunk == "imagenet":
            yield "The generator sees faces through timm's ImageNet weights of vgg19: their licence applies."

    def problems(self, setting: Setting) -> Iterator[Problem]:
        size = setting.image_size
        if size and (size % 4 or size < SMALLEST_IMAGE):
            nearest = max(SMALLEST_IMAGE, 4 * round(size / 4))
            yield Problem(
                "", f"the generator can't make images of {size} pixels", f"write views.size: {nearest}"
            )
        for option, reason in self._idle():
            default = type(self).model_fields[option].default
            if getattr(self, option) != default:
                yield Problem(
                    option, f"it has no effect: {reason}", f"leave it out, or write {option}: {default}"
                )
        if self.stage == 1 and isinstance(self.trunk, Path) and not self.trunk.is_file():
            yield Problem("trunk", f"there is no file {self.trunk}", "name a file of VGG19's weights")
        if self.stage == 1 and self.stage1:
            yield Problem("stage1", "stage 1 does not use it", "leave it out, or write stage: 2")
        if self.stage == 2:
            yield from self._problems_of_stage1(setting)

    def _idle(self) -> Iterator[tuple[str, str]]:
        """Options that have no effect with the others, and why."""
        if self.stage == 1:
            yield "margin", "stage 1 has no mean face"
        else:
            yield "mirror", "stage 2 mirrors no images"
        if self.inverse == "published":
            yield "inverse_steps", "the published inverse has no steps"

    def _problems_of_stage1(self, setting: Setting) -> Iterator[Problem]:
        if self.stage1 is None:
            yield Problem("stage1", "stage 2 needs a run of stage 1", "write stage1: RUN, its folder")
            return
        try:
            recipe = yaml.safe_load((self.stage1 / "recipe.yaml").read_text(encoding="utf-8"))
            method, backbone = recipe["method"], recipe["backbone"]["name"]
        except (OSError, yaml.YAMLError, KeyError, TypeError):
            yield Problem(
                "stage1", f"{self.stage1} is not a run folder", "name the folder of a run of stage 1"
            )
            return
        if method.get("name") != "cycleface" or method.get("stage", 1) != 1:
            yield Problem("stage1", f"{self.stage1} is not a run of cycleface, stage 1")
        elif not (self.stage1 / LAST_CHECKPOINT).is_file():
            yield Problem(
                "stage1",
                f"{self.stage1} has no {LAST_CHECKPOINT}",
                "resume its run: ssltoolbox train with --resume",
            )
        else:
            for name in AS_IN_STAGE_1:
                before, now = method.get(name, getattr(CycleFaceOptions(), name)), getattr(self, name)
                if str(before) != str(now):
                    yield Problem(name, f"{name} is {now} and was {before} in stage 1", f"write {before}")
            if setting.backbone and backbone != setting.backbone:
                yield Problem(
                    "stage1",
                    f"the backbone of stage 1 is {backbone}, that of stage 2 {setting.backbone}",
                    f"write backbone.name: {backbone}",
                )


class EncoderOptions(Options):
    """CycleFace's encoder."""

    width: int = Field(default=64, ge=8, multiple_of=8)
    """Channels of its first layers; the later ones have two and four times as many."""
    branch: Literal["exp", "pose"] | None = None
    """To load weights of PCL (Liu et al., CVPR 2023): `exp` uses its branch for expression, and `pose` its
    branch for the head's pose. PCL's encoder is the same, except for fewer channels at the end and colours from
    0 to 1."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.crop_size not in (0, setting.image_size):
            yield Problem(
                "",
                f"its features are a map, which has another size for local crops of {setting.crop_size} pixels",
                "write views.crops: 0",
            )


class MildOptions(ViewOptions):
    """Settings of the weak augmentation. It must be weak because the network rebuilds the view."""

    size: int = Field(default=64, ge=8, le=1024)
    """Height and width of the images that the backbone sees, in pixels."""
    area: float = Field(default=0.95, gt=0, le=1)
    """Smallest area of the crop, as a share of the image. The area is random between this and the whole
    image."""
    aspect: float = Field(default=1.05, ge=1, le=2)
    """Largest ratio of the crop's sides, in both directions."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Probability that an image is mirrored."""
    jitter: float = Field(default=0.8, ge=0, le=1)
    """Probability that an image's colours change."""
    strength: float = Field(default=0.05, ge=0, lt=1)
    """Brightness, contrast and saturation are multiplied by random factors between 1 - this and 1 + this."""
    hue: float = Field(default=0.01, ge=0, le=0.5)
    """Hue is rotated by at most this in either direction; 1 is the whole colour circle."""


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="cycleface",
        summary="Rebuilds a frame from the neutral face of another frame of the person (Chang et al. 2021).",
        options=CycleFaceOptions,
        target="ssltoolbox_cycleface.method:CycleFace",
        negatives=None,
        api=2,
    )


@hookimpl
def ssltoolbox_backbones() -> Iterator[BackboneDescriptor]:
    yield BackboneDescriptor(
        name="cycleface_encoder",
        summary="CycleFace's encoder. Its features are the flattened last map: 2048 numbers for 64 pixels.",
        options=EncoderOptions,
        target="ssltoolbox_cycleface.encoder:Encoder",
        api=2,
    )


@hookimpl
def ssltoolbox_views() -> Iterator[Descriptor]:
    yield Descriptor(
        name="mild",
        summary="Weak augmentation (large crop, flip, little colour jitter), for methods that rebuild images.",
        options=MildOptions,
        target="ssltoolbox_cycleface.view:MildView",
        api=2,
    )


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="any_frame",
        summary="The positive is a random frame of the clip.",
        target="ssltoolbox_cycleface.positive:AnyFrame",
        api=2,
    )
