"""Heads in a run folder: what is written, read, replaced and refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ssltoolbox.api import Head, HeadOutput, UserError
from ssltoolbox.engine.runs import heads
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.heads import (
    HeadCard,
    network_of,
    read_head,
    tasks_with_heads,
    write_head,
)

OUTPUTS = (HeadOutput("expression", "classes", ("calm", "happy")), HeadOutput("age", "number"))


def head(backbone: nn.Module | None = None, bias: float = 0.0) -> Head:
    first = np.eye(4, dtype=np.float32), np.full(4, bias, np.float32)
    second = np.ones((3, 4), np.float32), np.arange(3, dtype=np.float32)
    return Head(OUTPUTS, (first, second), backbone)


def card(task: str = "expression", **more: object) -> HeadCard:
    view = {"name": "standard", "size": 32}
    return HeadCard(task, "linear", OUTPUTS, view, image_size=48, weights="abc", **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_a_head_is_read_as_it_was_written(folder: RunFolder) -> None:
    write_head(folder, head(), card(metrics={"expression": {"f1": 0.5}}))
    stored = read_head(folder, "expression")
    assert stored.card == card(metrics={"expression": {"f1": 0.5}})
    assert stored.backbone is None
    features = torch.tensor([[1.0, -2.0, 3.0, 0.0]])
    assert network_of(stored.layers)(features).tolist() == [[4.0, 5.0, 6.0]]


def test_a_new_head_replaces_all_of_the_old_one(folder: RunFolder) -> None:
    write_head(folder, head(nn.Linear(2, 2)), card())
    assert read_head(folder, "expression").backbone == folder.heads / "expression" / "backbone.safetensors"
    write_head(folder, head(bias=1.0), card())
    stored = read_head(folder, "expression")
    assert stored.backbone is None
    assert stored.layers[0][1].tolist() == [1, 1, 1, 1]
    assert [path.name for path in folder.heads.iterdir()] == ["expression"]


@pytest.mark.parametrize("call", [1, 2])
def test_an_interrupted_replacement_keeps_the_old(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Between any two renames of the folder."""
    write_head(folder, head(bias=1.0), card())
    rename, renamed = Path.rename, []

    def interrupted(path: Path, target: Path) -> Path:
        renamed.append(target)
        if len(renamed) == call:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_head(folder, head(bias=2.0), card())
    assert read_head(folder, "expression").layers[0][1].tolist() == [1, 1, 1, 1]
    assert [path.name for path in folder.heads.iterdir()] == ["expression"]


def test_a_head_left_aside_by_a_kill_comes_back(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next write begins with it, so that it is not lost if that write fails."""
    write_head(folder, head(bias=1.0), card())
    (folder.heads / "expression").rename(folder.heads / ".expression.old")
    monkeypatch.setattr(heads, "write_json", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_head(folder, head(bias=2.0), card())
    assert read_head(folder, "expression").layers[0][1].tolist() == [1, 1, 1, 1]


def test_a_head_that_is_not_there_is_to_be_evaluated_first(folder: RunFolder) -> None:
    with pytest.raises(UserError, match="ssltoolbox evaluate"):
        read_head(folder, "expression")
    write_head(folder, head(), card("regression#2"))
    assert tasks_with_heads(folder) == ["regression#2"]
    with pytest.raises(UserError, match="regression#2"):
        read_head(folder, "../expression")


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("run",)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("head.safetensors", pickle.dumps(Evil())),
        ("head.safetensors", b""),
        ("head.json", b"{"),
        ("head.json", b"[]"),
        ("head.json", b'{"format": 2}'),
        ("head.json", json.dumps({"format": 1, "outputs": [{"names": []}]}).encode()),
    ],
)
def test_damaged_files_are_refused_and_never_run(
    folder: RunFolder, file: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    write_head(folder, head(), card())
    (folder.heads / "expression" / file).write_bytes(content)
    with pytest.raises(UserError, match=str(folder.heads / "expression")):
        read_head(folder, "expression")
    assert capsys.readouterr().out == ""


def test_layers_that_do_not_fit_are_refused(folder: RunFolder) -> None:
    wrong = Head(OUTPUTS, ((np.zeros((2, 4), np.float32), np.zeros(2, np.float32)),))
    write_head(folder, wrong, card())
    with pytest.raises(UserError, match="2 outputs"):
        read_head(folder, "expression")
