"""A small complete recipe, and a folder to write recipes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.reading import loaded

from ssltoolbox.recipe import RecipeError

BASE = """\
recipe: 1
data: {name: frames, index: vox1.index}
backbone: {name: resnet50, weights: null}
method: {name: simclr, temperature: 0.07}
views: {name: paper, size: 112}
optim: {name: adam, lr: 3e-4}
trainer: {epochs: 300, batch_size: 256}
"""

Write = Callable[..., Path]
Complain = Callable[..., str]


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a recipe into an otherwise empty working folder."""
    monkeypatch.chdir(tmp_path)

    def write_file(text: str | bytes = BASE, name: str = "x.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Path(name)

    return write_file


@pytest.fixture
def complain(write: Write) -> Complain:
    """What loading a recipe with this text says."""

    def error_text(text: str | bytes, *overrides: str) -> str:
        with pytest.raises(RecipeError) as caught:
            loaded(write(text), overrides)
        return str(caught.value)

    return error_text
