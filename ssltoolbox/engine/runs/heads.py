"""The heads that `evaluate` keeps in a run folder, one folder for each task: what is in them, written and read.

heads/<task>/
    head.json               what the head predicts, from what, on what it was fitted, and how well it does
    head.safetensors        weights and biases: layers.0.weight, layers.0.bias, …
    backbone.safetensors    the network that was fine-tuned with it; missing for a frozen one
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import torch
from torch import nn

from ssltoolbox import __version__
from ssltoolbox.api import Head, HeadOutput, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.models import save_weights
from ssltoolbox.support.files import beside, write_bytes, write_json

FORMAT = 1
CARD, LAYERS, BACKBONE = "head.json", "head.safetensors", "backbone.safetensors"


@dataclass(frozen=True)
class HeadCard:
    """What is known of a head.

    Attributes:
        task: the task's key in the recipe, such as `expression`.
        protocol: how it was fitted, such as `linear` or `finetune`.
        outputs: what it predicts.
        view: name and options of the view that made its images.
        image_size: height and width in pixels of the images before the view.
        weights: SHA-256 of the backbone's weights.
        fitted_on: the data: its name, the split, frames of each split, the split that made the choices, and what
            a reader must know of it.
        metrics: result → its metrics on the test split.
        seed: of what was random.
        features: the recipe's `backbone.layers`, whose features it was fitted on.
        version: of the toolbox.
    """

    task: str
    protocol: str
    outputs: tuple[HeadOutput, ...]
    view: Mapping[str, Any]
    image_size: int
    weights: str
    fitted_on: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seed: int = 0
    features: tuple[str, ...] = ()
    version: str = __version__


@dataclass(frozen=True, eq=False)
class StoredHead:
    """A head as it lies in a run folder.

    Attributes:
        card: what is known of it.
        layers: weight [out, in] and bias [out] of each linear layer.
        backbone: the file of the fine-tuned network; None for the run's own.
    """

    card: HeadCard
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    backbone: Path | None


def folder_of_head(folder: RunFolder, task: str) -> Path:
    """Where the head of a task lies."""
    return folder.heads / task


def write_head(folder: RunFolder, head: Head, card: HeadCard) -> None:
    """Writes a head; it replaces an earlier one of the same task, which stays if this fails or is interrupted.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    target = folder_of_head(folder, card.task)
    part, old = beside(target), target.with_name(f".{target.name}.old")
    _restore(old, target)
    shutil.rmtree(part, ignore_errors=True)
    try:
        _write_files(part, head, card)
        if target.exists():
            target.rename(old)
        part.rename(target)
    finally:
        _restore(old, target)
        shutil.rmtree(part, ignore_errors=True)


def _restore(old: Path, target: Path) -> None:
    """Puts the old head back if no new one has replaced it, and deletes it otherwise."""
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _write_files(folder: Path, head: Head, card: HeadCard) -> None:
    tensors = {
        f"layers.{number}.{name}": np.ascontiguousarray(values, np.float32)
        for number, layer in enumerate(head.layers)
        for name, values in zip(("weight", "bias"), layer, strict=True)
    }
    write_bytes(folder / LAYERS, safetensors.numpy.save(tensors))
    if head.backbone is not None:
        save_weights(head.backbone, folder / BACKBONE)
    write_json(folder / CARD, {"format": FORMAT, **asdict(card)})


def tasks_with_heads(folder: RunFolder) -> list[str]:
    """The tasks whose heads a run has, by name."""
    if not folder.heads.is_dir():
        return []
    found = (path for path in folder.heads.iterdir() if not path.name.startswith("."))
    return sorted(path.name for path in found if (path / CARD).is_file())


def read_head(folder: RunFolder, task: str) -> StoredHead:
    """The head of a task. No code in its files is run.

    Raises:
        UserError: where the run has no such head, or its files are damaged.
    """
    known = tasks_with_heads(folder)
    if task not in known:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise UserError(
            f"the run in {folder.path} has no head of the task {task!r}: {has}",
            f"run ssltoolbox evaluate {folder.path} --tasks {task.partition('#')[0]} first; heads are kept by the "
            "protocols linear, linear_sgd and finetune",
        )
    stored = folder_of_head(folder, task)
    try:
        card = _card(json.loads((stored / CARD).read_text(encoding="utf-8")))
        tensors = safetensors.numpy.load_file(stored / LAYERS)
        layers = tuple(
            (tensors[f"layers.{number}.weight"], tensors[f"layers.{number}.bias"])
            for number in range(len(tensors) // 2)
        )
        _check(layers, card)
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{stored} holds no head that can be read: {first_line(error)}", "run ssltoolbox evaluate again"
        ) from error
    tuned = stored / BACKBONE
    return StoredHead(card, layers, tuned if card.protocol == "finetune" or tuned.is_file() else None)


def network_of(layers: tuple[tuple[np.ndarray, np.ndarray], ...]) -> nn.Sequential:
    """The layers as a network with these weights, ReLU in between: [B, D] → [B, C]."""
    modules: list[nn.Module] = []
    for weight, bias in layers:
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def _card(content: Mapping[str, Any]) -> HeadCard:
    """
    Raises:
        ValueError, KeyError, TypeError: for other content than `write_head` writes.
    """
    found = dict(content)
    if (number := found.pop("format", None)) != FORMAT:
        raise ValueError(f"its format is {number}, and this version of the toolbox reads {FORMAT}")
    outputs = tuple(HeadOutput(**one | {"names": tuple(one["names"])}) for one in found.pop("outputs"))
    return HeadCard(outputs=outputs, features=tuple(found.pop("features", ())), **found)


def _check(layers: tuple[tuple[np.ndarray, np.ndarray], ...], card: HeadCard) -> None:
    """
    Raises:
        ValueError: where layers don't fit each other, or the outputs.
    """
    width = layers[0][0].shape[1] if layers else None
    for weight, bias in layers:
        if weight.shape != (len(bias), width):
            raise ValueError(f"a layer has the shape {weight.shape}, and [{len(bias)}, {width}] is needed")
        width = len(bias)
    if width != sum(len(output.columns) for output in card.outputs):
        raise ValueError(f"{width} outputs of the layers don't fit those in {CARD}")
