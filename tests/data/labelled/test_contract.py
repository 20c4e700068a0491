"""The data sets keep to the contract of datasets."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ssltoolbox.testing import check_plugin


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("affectnet", "affectnet_lists"),
        ("affectnet", "affectnet_folders"),
        ("fer2013", "fer_csv"),
        ("fer2013", "fer_folders"),
        ("lfw", "lfw"),
    ],
)
def test_labelled_datasets_keep_to_the_contract(request: pytest.FixtureRequest, name: str, form: str) -> None:
    check_plugin(name, options={name: {"root": request.getfixturevalue(form), "size": 32}})


@pytest.mark.slow
def test_the_contract_of_a_table(tmp_path: Path) -> None:
    lines = ["path,split,identity,emotion,age"]
    for number in range(6):
        Image.new("RGB", (32, 32), (40 * number, 90, 90)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{'train' if number < 4 else 'test'},p{number},{number % 2},{number}.5")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    check_plugin("labelled", options={"labelled": {"table": tmp_path / "faces.csv", "size": 32}})
