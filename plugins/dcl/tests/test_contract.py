"""The plugin follows the contract of its kind, with and without weights of positives."""

import pytest
import ssltoolbox_dcl

from ssltoolbox.testing import check_plugin


@pytest.mark.parametrize("sigma", [None, 0.5])
def test_the_contract(sigma: float | None) -> None:
    options = {"hidden_dim": 16, "output_dim": 8, "sigma": sigma}
    check_plugin(ssltoolbox_dcl, options={"dcl": options})
