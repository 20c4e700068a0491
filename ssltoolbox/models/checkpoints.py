"""Reads files of weights of this and other libraries as tensors by key, without running code."""

from __future__ import annotations

import pickle
import re
import warnings
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line

CONTAINERS = ("state_dict", "model_state_dict", "model")
"""Keys of a checkpoint that are no part of its tensors' keys: the first one found."""

HOLDERS: tuple[Any, ...] = (
    *(Adam, AdamW, SGD, CosineAnnealingLR, Namespace, defaultdict, dict),
    *(np.dtype, *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?"))),
    *((np.float64().__reduce__()[0], f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *((PurePosixPath, f"pathlib.{module}PosixPath") for module in ("", "_local.")),
    *((PureWindowsPath, f"pathlib.{module}WindowsPath") for module in ("", "_local.")),
)
"""Classes of objects that checkpoints may have besides the weights, such as a schedule, numpy's numbers,
and a path; some by their name in the file. They only hold settings: reading them calls no code of the file."""

_LFS_POINTER = b"version https://git-lfs"
_PICKLE_STARTS = (b"PK", b"\x80")
_REFUSED = re.compile(r"GLOBAL (\S+) was not an allowed global")
_ADVICE = {
    "lightly_train.": "export it: lightly-train export checkpoint=FILE out=EXPORTED format=torch_state_dict",
    "": "where you trust it, save its tensors alone: torch.save(model.state_dict(), FILE)",
}
"""What to do with a file that is refused, by the start of a class in it."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by key: safetensors, or what `torch.save` wrote of a state dict or a checkpoint.

    Raises:
        UserError: when the file is missing, damaged, without tensors, or a pickle that would run code.
    """
    if not path.is_file():
        raise UserError(f"no weights at {path}")
    with path.open("rb") as file:
        start = file.read(len(_LFS_POINTER))
    if start == _LFS_POINTER:
        raise UserError(f"{path} is a pointer of Git LFS, not the file of weights", "run: git lfs pull")
    pickled = start.startswith(_PICKLE_STARTS)
    try:
        content = _unpickled(path) if pickled else safetensors.torch.load_file(path)
    except Exception as error:
        # Readers raise many types for damaged files.
        refused = _REFUSED.search(str(error))
        if refused:
            raise UserError(
                f"{path} is refused: reading it would run code, {refused[1]}",
                next(advice for start, advice in _ADVICE.items() if refused[1].startswith(start)),
            ) from error
        # torch's message advises how to run code from the file.
        unpickling = isinstance(error, pickle.UnpicklingError)
        reason = "it is not a pickle of tensors and plain values" if unpickling else first_line(error)
        raise UserError(f"{path} is not a file of weights, or it is damaged: {reason}") from error
    return _tensors(content, path)


def _unpickled(path: Path) -> Any:
    with torch.serialization.safe_globals(list(HOLDERS)), warnings.catch_warnings():
        # A file that torch did not write may have a newer protocol than torch's own.
        warnings.filterwarnings("ignore", message="Detected pickle protocol")
        return torch.load(path, map_location="cpu", weights_only=True)


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint; nested mappings give dotted keys, such as `teacher.backbone.norm.bias`."""
    named = content if isinstance(content, Mapping) else {}
    container = next((key for key in CONTAINERS if isinstance(named.get(key), Mapping)), "")
    tensors = dict(_flat(named.get(container, {})))
    for key, tensor in _flat({key: value for key, value in named.items() if key != container}):
        tensors.setdefault(key, tensor)
    if not tensors:
        keys = ", ".join(map(str, list(named)[:5])) or "none"
        raise UserError(f"{path} has no weights: there is no tensor under its keys ({keys})")
    return tensors


def _flat(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Tensors by dotted keys. An optimiser's state has numbers as keys, and is left out."""
    for key, value in content.items():
        if not isinstance(key, str):
            continue
        if isinstance(value, Tensor):
            yield prefix + key, value
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
