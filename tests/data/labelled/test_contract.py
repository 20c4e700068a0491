"""The data sets keep to the contract of datasets."""

from __future__ import annotations

import pytest

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
def test_the_contract(request: pytest.FixtureRequest, name: str, form: str) -> None:
    check_plugin(name, options={name: {"root": request.getfixturevalue(form), "size": 32}})
