"""Reads files of weights of this and other libraries as tensors by key, without running code."""

from __future__ import annotations

import pickle
import re
from argparse import Namespace
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line

CONTAINERS = ("state_dict", "model_state_dict", "model", "teacher")
"""Keys of a checkpoint that may hold the weights; the first one found counts. A file may also be a state dict."""

HOLDERS = (Adam, AdamW, SGD, CosineAnnealingLR, Namespace, defaultdict, dict)
"""Classes of objects that checkpoints may have besides the weights, such as a schedule. They only hold settings;
reading them calls no code of the file."""

_PICKLE_STARTS = (b"PK", b"\x80")
_REFUSED = re.compile(r"GLOBAL (\S+) was not an allowed global")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by key: safetensors, or what `torch.save` wrote of a state dict or a checkpoint.

    Raises:
        UserError: when the file is missing, damaged, without tensors, or a pickle that would run code.
    """
    if not path.is_file():
        raise UserError(f"no weights at {path}")
    with path.open("rb") as file:
        pickled = file.read(2).startswith(_PICKLE_STARTS)
    try:
        content = _unpickled(path) if pickled else safetensors.torch.load_file(path)
    except Exception as error:
        # Readers raise many types for damaged files.
        refused = _REFUSED.search(str(error))
        if refused:
            raise UserError(
                f"{path} is refused: reading it would run code, {refused[1]}",
                "where you trust it, save its tensors alone: torch.save(model.state_dict(), FILE)",
            ) from error
        # torch's message advises how to run code from the file.
        unpickling = isinstance(error, pickle.UnpicklingError)
        reason = "it is no pickle of tensors and plain values" if unpickling else first_line(error)
        raise UserError(f"{path} is no file of weights, or damaged: {reason}") from error
    return _tensors(content, path)


def _unpickled(path: Path) -> Any:
    with torch.serialization.safe_globals(list(HOLDERS)):
        return torch.load(path, map_location="cpu", weights_only=True)


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    named = content if isinstance(content, Mapping) else {}
    inner = next((named[key] for key in CONTAINERS if isinstance(named.get(key), Mapping)), named)
    tensors = {key: value for key, value in inner.items() if isinstance(value, Tensor)}
    if not tensors:
        keys = ", ".join(map(str, list(named)[:5])) or "none"
        raise UserError(f"{path} has no weights under {', '.join(CONTAINERS)} or its own keys ({keys})")
    return tensors
