"""Writes weights as safetensors with timm's key names, and loads weights of other libraries."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import safetensors.torch
from torch import nn

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.models.checkpoints import read_tensors
from ssltoolbox.models.layouts import Match, match
from ssltoolbox.models.positions import resample_positions

log = logging.getLogger(__name__)


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes a model's state dict beside `path`, then renames it into place.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(serialised(model))
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SslToolboxError(f"can't write {path}: {error.strerror or error}") from error


def serialised(model: nn.Module) -> bytes:
    """A model's weights as the content of a safetensors file; the same weights give the same bytes."""
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    return safetensors.torch.save(state)


def weights_hash(model: nn.Module) -> str:
    """The SHA-256 of a model's weights, which is that of the file that `save_weights` writes."""
    return hashlib.sha256(serialised(model)).hexdigest()


def load_weights(model: nn.Module, path: Path, allow_partial: bool = False) -> Match:
    """Loads a file of weights of any supported library into a model, and logs what matched.

    Args:
        model: a timm model.
        path: safetensors, or a checkpoint of torchvision, lightly, solo-learn or SSL-FER; see `layouts`.
        allow_partial: accept a file that lacks tensors; these stay unchanged.

    Raises:
        UserError: when the file is missing, damaged, would run code, or is of another model.
    """
    found = match_weights(model, path, allow_partial)
    model.load_state_dict(found.tensors, strict=False)
    log.info("%s: %s", path, found)
    return found


def match_weights(model: nn.Module, path: Path, allow_partial: bool = False) -> Match:
    """Matches a file with a model. The model is not changed, and may be on the device "meta".

    Position embeddings for another image size are resampled.

    Raises:
        UserError: as for `load_weights`.
    """
    tensors = read_tensors(path)
    found = resample_positions(model, match(model.state_dict(), tensors))
    if not found.fitting:
        keys = ", ".join(list(tensors)[:3])
        raise UserError(
            f"nothing in {path} fits the network: the file's keys are {keys}, …",
            "name the file's own network",
        )
    if not found.complete and not allow_partial:
        missing = f"{len(found.missing)} of {found.total} keys are missing{_such_as(found.missing)}"
        misshapen = f"{len(found.misshapen)} have another shape{_such_as(tuple(found.misshapen))}"
        raise UserError(
            f"{path} holds the weights of another model: {missing}, {misshapen}",
            "name the file's own network, or write allow_partial: true under backbone",
        )
    return found


def _such_as(keys: tuple[str, ...]) -> str:
    return f" (such as {keys[0]!r})" if keys else ""
