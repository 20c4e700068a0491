"""Writes weights as safetensors with timm's key names, and loads weights of other libraries."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from ssltoolbox.api import UserError
from ssltoolbox.models.checkpoints import read_tensors
from ssltoolbox.models.matching import Match, match
from ssltoolbox.models.positions import conversion_of
from ssltoolbox.models.recognition import looks_like
from ssltoolbox.support.files import write_bytes
from ssltoolbox.support.words import agreeing

log = logging.getLogger(__name__)

_BASE_ENCODER_HEADS = 12


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes a model's state dict beside `path`, then renames it into place.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    write_bytes(path, serialised(model))


def serialised(model: nn.Module) -> bytes:
    """A model's weights as the content of a safetensors file; the same weights give the same bytes."""
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    return safetensors.torch.save(state)


def weights_hash(model: nn.Module) -> str:
    """The SHA-256 of a model's weights, which is that of the file that `save_weights` writes."""
    return hashlib.sha256(serialised(model)).hexdigest()


def load_weights(
    model: nn.Module, path: Path, allow_partial: bool = False, from_video: bool = False
) -> Match:
    """Loads a file of weights of any supported library into a model, and logs what matched.

    Args:
        model: a timm model, or one of a plugin.
        path: safetensors, or a checkpoint; see `layouts` for whose names of tensors are known.
        allow_partial: accept a file that lacks tensors, which stay unchanged, or that has more blocks.
        from_video: accept a network of clips; see `layouts` for what it becomes.

    Raises:
        UserError: when the file is missing, damaged, would run code, or is of another model.
    """
    found = match_weights(model, path, allow_partial, from_video)
    model.load_state_dict(found.tensors, strict=False)
    log.info("%s: %s", path, found)
    return found


def match_weights(
    model: nn.Module, path: Path, allow_partial: bool = False, from_video: bool = False
) -> Match:
    """Matches a file with a model. The model is not changed, and may be on the device "meta".

    Position embeddings for another image size are resampled.

    Raises:
        UserError: as for `load_weights`.
    """
    tensors = read_tensors(path)
    found = match(model.state_dict(), tensors, conversion_of(model))
    if found.layout.video and not from_video:
        raise UserError(
            f"{path} holds a network of video clips, such as MARLIN: each of its patches covers several frames",
            "write from_video: true under backbone, to use it for single images",
        )
    if not found.fitting or not (found.complete or allow_partial):
        raise _other_network(path, tensors, found)
    _refuse_other_heads(model, path, found)
    if broken := [key for key, tensor in found.tensors.items() if tensor.isnan().any()]:
        raise UserError(
            f"{path} holds a network that has diverged: {len(broken)} of {found.total} tensors "
            f"{agreeing(len(broken), 'has', 'have')} values that are NaN{_such_as(tuple(broken))}",
            "take an earlier checkpoint",
        )
    return found


def _other_network(path: Path, tensors: Mapping[str, Tensor], found: Match) -> UserError:
    """Says what a file holds that is not of the network."""
    likeness = looks_like(tensors)
    words = f"; it looks like {likeness.words}" if likeness.words else ""
    if found.fitting:
        return UserError(
            f"{path} holds the weights of another model: {_differences(found)}{words}",
            f"{likeness.advice}, or write allow_partial: true under backbone",
        )
    keys = ", ".join(list(tensors)[:3])
    return UserError(
        f"nothing in {path} fits the network: the file's keys are {keys}, …{words}", likeness.advice
    )


def _differences(found: Match) -> str:
    lacking, changed, more = len(found.missing), len(found.misshapen), len(found.extra)
    missing = (
        f"{lacking} of {found.total} keys {agreeing(lacking, 'is', 'are')} missing{_such_as(found.missing)}"
    )
    misshapen = (
        f"{changed} {agreeing(changed, 'has', 'have')} another shape{_such_as(tuple(found.misshapen))}"
    )
    extra = f"{more} more {agreeing(more, 'is', 'are')} in its blocks{_such_as(found.extra)}"
    return ", ".join([missing, misshapen, *([extra] if found.extra else [])])


def _such_as(keys: tuple[str, ...]) -> str:
    return f" (such as {keys[0]!r})" if keys else ""


def _refuse_other_heads(model: nn.Module, path: Path, found: Match) -> None:
    """MoCo v3's vision transformers have 12 heads in each size, which no shape of a tensor shows.

    Raises:
        UserError: if the network has another number of heads.
    """
    heads = next(
        (module.num_heads for module in model.modules() if hasattr(module, "num_heads")), _BASE_ENCODER_HEADS
    )
    if found.prefix.endswith("base_encoder.") and heads != _BASE_ENCODER_HEADS:
        raise UserError(
            f"{path} is of MoCo v3, whose vision transformers have {_BASE_ENCODER_HEADS} heads, not {heads}",
            f"write options: {{num_heads: {_BASE_ENCODER_HEADS}}} under backbone",
        )
