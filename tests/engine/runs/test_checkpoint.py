"""A checkpoint is whole or not there, and can't run code."""

import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import pytest
import torch
from helpers.golden import Golden

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.engine.runs import checkpoint as module
from ssltoolbox.engine.runs.checkpoint import AtomicCheckpointIO


def test_a_checkpoint_is_written_read_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"global_step": 3, "w": torch.ones(2)}, path)
    read = AtomicCheckpointIO().load_checkpoint(path)
    assert read["global_step"] == 3
    assert [entry.name for entry in path.parent.iterdir()] == ["last.ckpt"]
    AtomicCheckpointIO().remove_checkpoint(path)
    assert not path.exists()


def test_a_full_disk_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"global_step": 3}, path)

    def full(_: object) -> Never:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(SslToolboxError) as caught:
        AtomicCheckpointIO().save_checkpoint({"global_step": 4}, path)
    golden(str(caught.value))
    assert not isinstance(caught.value, UserError)
    assert AtomicCheckpointIO().load_checkpoint(path) == {"global_step": 3}
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_is_the_reason_for_a_failed_checkpoint(tmp_path: Path, golden: Golden) -> None:
    """Not what torch makes of it."""
    (tmp_path / ".last.ckpt.part").symlink_to("/dev/full")
    with pytest.raises(SslToolboxError) as caught:
        AtomicCheckpointIO().save_checkpoint({"w": torch.ones(100_000)}, tmp_path / "last.ckpt")
    golden(str(caught.value))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half"])
def test_a_damaged_one_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path}: "):
        AtomicCheckpointIO().load_checkpoint(path)


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("writer", [torch.save, lambda value, file: file.write_bytes(pickle.dumps(value))])
def test_code_in_a_checkpoint_is_never_run(tmp_path: Path, writer: Callable[[object, Path], object]) -> None:
    path, proof = tmp_path / "last.ckpt", tmp_path / "proof"
    writer({"state_dict": Payload(proof)}, path)
    with pytest.raises(UserError, match=str(path)):
        AtomicCheckpointIO().load_checkpoint(path)
    assert not proof.exists()
