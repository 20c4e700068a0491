"""What a recipe may say."""

from __future__ import annotations

import subprocess
import sys

import pytest
from helpers.golden import Golden
from pydantic import ValidationError

from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions


def test_defaults_are_valid_and_documented() -> None:
    assert SyntheticFacesOptions().facts().clips == 240
    undocumented = [
        name for name, field in SyntheticFacesOptions.model_fields.items() if not field.description
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    "given",
    [
        {"identities": 9, "clips": 8},
        {"eval_identities": 3, "eval_clips": 2},
    ],
)
def test_everyone_needs_a_clip(given: dict[str, int], golden: Golden) -> None:
    with pytest.raises(ValidationError) as error:
        SyntheticFacesOptions(**given)
    (problem,) = error.value.errors()
    golden(problem["msg"])


@pytest.mark.parametrize(
    "wrong",
    [{"size": 8}, {"fps": 0}, {"frames": 0}, {"world": -1}, {"clips": 0}, {"size": "48"}, {"colour": 1}],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SyntheticFacesOptions(**wrong)


def test_options_come_without_torch() -> None:
    code = (
        "import sys; from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions as Options; "
        "Options().facts(); print('torch' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
