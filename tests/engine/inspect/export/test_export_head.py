"""A head is exported with its network, and predicts the same in ONNX Runtime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.heads import AFFECT, MOODS, UNITS, run_with_heads

from ssltoolbox import load_head
from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run as command
from ssltoolbox.engine.inspect.export import export


@pytest.mark.slow
def test_onnx_gives_the_same_predictions_for_batches_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_with_heads(tmp_path, all=(MOODS, *AFFECT, UNITS))
    assert command(["export", "run", "-o", "model.onnx", "--head", "all"]) == 0
    assert re.search(r"predictions .*\d", capsys.readouterr().out)
    card = (tmp_path / "model.onnx.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    network = load_head("run", "all")
    assert tuple(names["columns"]) == network.columns
    assert network.columns == (
        *("mood_calm", "mood_glad", "mood_wild", "valence", "arousal"),
        *("aus_au1", "aus_au12"),
    )
    assert "`all`" in card
    assert "`mood_calm`, `mood_glad`" in card
    assert "[B, 7]" in card
    for count in (1, 5):
        images = torch.randn(count, 3, 32, 32)
        with torch.no_grad():
            ours = network(images)
        torch.testing.assert_close(torch.from_numpy(names["model"](images.numpy())), ours, atol=1e-5, rtol=0)
        torch.testing.assert_close(ours[:, :3].sum(1), torch.ones(count))
        assert ((ours[:, 5:] > 0) & (ours[:, 5:] < 1)).all()


@pytest.mark.parametrize(
    ("file", "head", "message"),
    [
        ("model.safetensors", "classification", "holds the backbone alone"),
        ("model.pth", "classification", "holds the backbone alone"),
        ("model.onnx", "expression", "has no head of the task 'expression'"),
    ],
)
def test_what_can_not_be_exported_is_refused(tmp_path: Path, file: str, head: str, message: str) -> None:
    run = run_with_heads(tmp_path)
    with pytest.raises(UserError, match=message):
        export(run, tmp_path / file, head=head)
    assert not (tmp_path / file).exists()
