"""Weights on disk as safetensors under timm's key names, written so that a reader never sees half a file."""

from __future__ import annotations

import os
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from ssltoolbox.api import SslToolboxError, UserError


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes a model's state dict beside `path`, then renames it into place.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    beside = path.with_name(f".{path.name}.part")
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    try:
        beside.write_bytes(safetensors.torch.save(state))
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SslToolboxError(f"can't write {path}: {error.strerror or error}") from error


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads a safetensors file into a model; all keys and shapes must match, a classifier's head apart.

    Raises:
        UserError: when the file is missing, damaged, or of another model.
    """
    if not path.is_file():
        raise UserError(f"no weights at {path}")
    try:
        state = safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is no safetensors file, or damaged: {error}") from error
    expected = model.state_dict()
    missing = sorted(set(expected) - set(state))
    other = sorted(key for key in set(expected) & set(state) if expected[key].shape != state[key].shape)
    if missing or other:
        raise UserError(
            f"{path} holds the weights of another model: {len(missing)} of {len(expected)} keys are missing"
            f"{_such_as(missing)}, {len(other)} have another shape{_such_as(other)}"
        )
    model.load_state_dict({key: state[key] for key in expected})


def _such_as(keys: list[str]) -> str:
    return f" (such as {keys[0]!r})" if keys else ""
