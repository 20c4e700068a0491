"""Checkpoint files, written atomically and read without running code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import CheckpointIO

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line


class AtomicCheckpointIO(CheckpointIO):
    """Writes beside the checkpoint, flushes to the disk, then renames. A crash leaves the checkpoint before.

    Only tensors and plain values are read back (`weights_only`), so a checkpoint can't run code.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """
        Raises:
            SslToolboxError: when the disk is full or can't be written to.
        """
        target = Path(path)
        beside = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, target)
        except (OSError, RuntimeError) as error:
            beside.unlink(missing_ok=True)
            kept = "the one before it is whole" if target.exists() else "there is none before it"
            raise SslToolboxError(f"can't write the checkpoint {target}: {_reason(error)}; {kept}") from error
        _flush_folder(target.parent)

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """
        Raises:
            UserError: when the file is damaged, or holds more than tensors and plain values.
        """
        return read_checkpoint(Path(path), map_location)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Removes a checkpoint, if it is there."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path, map_location: Any | None = "cpu") -> dict[str, Any]:
    """A checkpoint's content, tensors and plain values only.

    Raises:
        UserError: when the file is damaged, or holds more than that.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:  # torch's message advises how to run code from the file
        reason = "it is damaged, or holds more than tensors and plain values"
        raise UserError(f"can't read the checkpoint {path}: {reason}") from error
    except Exception as error:  # torch raises many types for a damaged file
        raise UserError(f"can't read the checkpoint {path}: {first_line(error)}") from error
    return checkpoint


def _reason(error: BaseException) -> str:
    """The system's reason for a failed write, from the exception that torch's error hides."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__context__
    return (cause and cause.strerror) or first_line(error)


def _flush_folder(folder: Path) -> None:
    """Flushes a rename to the disk, on systems that can flush a folder."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
