"""Features kept on disk, so that a network computes the features of the same images once.

A folder for each network holds files of features. Each entry is a batch. Its name is a digest of the images after
the view, as the network gets them: other data, another view or another order of the images gives another entry.
So an entry does not depend on where the images come from, and an outdated one is never used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import timm
import torch
import xxhash
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor, nn

from ssltoolbox.api import SslToolboxError
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Plan
from ssltoolbox.registry.code import code_version, digest_of
from ssltoolbox.support.files import cache_folder, replaced

GIB = 2**30
FILE_BYTES = 64 * 2**20
"""Features are written to a file as soon as they have this size."""
ABANDONED = 24 * 3600
"""Seconds after which an unfinished file is removed."""

log = logging.getLogger(__name__)


class KeptFeatures:
    """Features of one network, batch by batch.

    Processes share a folder: files appear whole and are never changed. If features can't be written, they are not
    kept, and the log has one warning.

    Args:
        folder: of all networks.
        network: a digest of everything besides the images that features depend on; see `network_digest`.
        limit: the most bytes in the folder; beyond that, the least recently used files are removed.
    """

    def __init__(self, folder: Path, network: str, limit: int) -> None:
        self._root, self._folder, self._limit = folder, folder / network, limit
        self._found: dict[str, _Opened] = {}
        self._new: dict[str, np.ndarray] = {}
        self._writable = True
        for path in sorted(self._folder.glob("*.safetensors")):
            self._open(path)

    def get(self, batch: str) -> np.ndarray | None:
        """The features [B, D] of a batch; None where they are not kept.

        Args:
            batch: its digest; see `images_digest`.
        """
        if batch in self._new:
            return self._new[batch]
        opened = self._found.get(batch)
        return opened.read(batch) if opened else None

    def put(self, batch: str, features: np.ndarray) -> None:
        """Keeps the features [B, D] of a batch."""
        if not self._writable:
            return
        self._new[batch] = features
        if sum(values.nbytes for values in self._new.values()) >= FILE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes the new features, and keeps the folder within its limit."""
        if not self._new:
            return
        # Each writer has names of its own, so that no two write one file.
        path = self._folder / f"{uuid4().hex}.safetensors"
        try:
            with replaced(path) as beside:
                save_file(self._new, beside)
                _flush_to_disk(beside)
            _keep_within(self._root, self._limit)
        except (OSError, SafetensorError, SslToolboxError) as error:
            self._writable = False
            log.warning("features are not kept: %s", error)
        else:
            self._open(path)
        self._new = {}

    def _open(self, path: Path) -> None:
        """Notes the batches of a file; their features are read in `get`."""
        try:
            opened = _Opened(path, safe_open(path, "numpy"))
        except FileNotFoundError:  # another process has just removed it
            return
        except (OSError, SafetensorError) as error:
            log.warning("%s: can't be read (%s), so its features are computed again", path, error)
            return
        self._found |= dict.fromkeys(opened.file.keys(), opened)


@dataclass(eq=False)
class _Opened:
    """An open file of features, memory-mapped."""

    path: Path
    file: Any
    used: bool = False

    def read(self, batch: str) -> np.ndarray:
        if not self.used:
            self.used = True
            with suppress(OSError):  # removed, or in a folder that can only be read
                os.utime(self.path)
        features: np.ndarray = self.file.get_tensor(batch)
        return features


def kept_features(plan: Plan, backbone: nn.Module, device: torch.device) -> KeptFeatures | None:
    """The store of a network's features, as the recipe's `trainer.keep_features` has it; None for no store.

    Args:
        plan: the recipe's.
        backbone: the network, with its weights.
        device: computes the features.
    """
    trainer = plan.recipe.trainer
    if trainer.keep_features is None:
        return None
    folder = cache_folder("features") if trainer.keep_features == "auto" else Path(trainer.keep_features)
    limit = int(trainer.keep_features_gib * GIB)
    return KeptFeatures(folder, network_digest(plan, backbone, device), limit)


_ONLY_FOR_LOADING = {"weights", "allow_partial", "from_video"}
"""Keys of a recipe's backbone that matter for its weights alone."""


def network_digest(plan: Plan, backbone: nn.Module, device: torch.device) -> str:
    """A digest of the weights, the code and the precision that features are computed with."""
    about: Mapping[str, Any] = {
        "weights": weights_hash(backbone),
        "network": plan.recipe.backbone.model_dump(mode="json", exclude=_ONLY_FOR_LOADING),
        "layers": str(backbone),
        "code": [code_version(), digest_of(plan.recipe.plugins.files), torch.__version__, timm.__version__],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": [torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32],
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def images_digest(images: Tensor) -> str:
    """A digest of a batch of images as the network sees them."""
    values = images.detach().cpu().contiguous()
    digest = xxhash.xxh3_128(f"{values.dtype} {tuple(values.shape)} ".encode())
    digest.update(values.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _flush_to_disk(path: Path) -> None:
    """Without this, a crash of the machine could leave a file of the right length with wrong content."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _keep_within(root: Path, limit: int) -> None:
    """Removes the least recently used files, until the folder holds no more than `limit` bytes."""
    files = []
    for path in root.glob("*/*"):
        with suppress(FileNotFoundError):  # another process has just removed it
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
    held = sum(size for _, size, path in files if path.suffix == ".safetensors")
    for modified, size, path in sorted(files):
        finished = path.suffix == ".safetensors"
        if finished and held > limit:
            held -= size
        elif finished or time.time() - modified < ABANDONED:
            continue
        path.unlink(missing_ok=True)
