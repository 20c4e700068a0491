"""The plugin follows the contract of its kind, with and without a frozen patch embedding."""

import pytest
import ssltoolbox_moco_v3

from ssltoolbox.testing import check_plugin


@pytest.mark.parametrize("freeze_patches", [False, True])
def test_the_contract(freeze_patches: bool) -> None:
    """Frozen patches need a vision transformer, which the test kit then takes."""
    options = {"hidden_dim": 16, "output_dim": 8, "freeze_patches": freeze_patches}
    check_plugin(ssltoolbox_moco_v3, options={"moco_v3": options})
