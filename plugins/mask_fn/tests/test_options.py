"""What a recipe may say, and what it is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ssltoolbox_mask_fn
from pydantic import ValidationError
from ssltoolbox_mask_fn import MaskFNOptions

from ssltoolbox.api import Problem, Setting

SETTING = Setting(data=None, instances=8, draws=8, hard_negatives=0)


def problems(**options: object) -> list[Problem]:
    return list(MaskFNOptions(**options).problems(SETTING))


def test_the_defaults_are_the_papers() -> None:
    assert MaskFNOptions().model_dump() == {
        "descriptor": "resnet18",
        "weights": "imagenet",
        "attract": 0.8,
        "top_k": 1,
        "threshold": None,
    }
    assert problems() == []


@pytest.mark.parametrize(
    "wrong",
    [{"attract": -0.1}, {"top_k": 0}, {"threshold": 1.5}, {"descriptor": "hog"}, {"attract": float("inf")}],
)
def test_options_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MaskFNOptions(**wrong)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.pth"
    (problem,) = problems(weights=str(path))
    assert problem.option == "weights"
    assert str(path) in problem.message
    assert "imagenet" in problem.hint
    path.touch()
    assert problems(weights=path) == []


def test_weights_that_nothing_uses() -> None:
    (problem,) = problems(descriptor="pixels", weights="a.pth")
    assert problem.option == "weights"
    assert "'pixels'" in problem.message
    assert "descriptor: resnet18" in problem.hint


def test_the_hook_yields_its_card() -> None:
    (card,) = ssltoolbox_mask_fn.ssltoolbox_negative_maskers()
    assert (card.name, card.needs, card.options) == ("mask_fn", {"landmarks"}, MaskFNOptions)


def test_listing_it_never_imports_torch() -> None:
    code = "import sys, ssltoolbox_mask_fn; sys.exit('torch' in sys.modules)"
    folder = Path(ssltoolbox_mask_fn.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0
