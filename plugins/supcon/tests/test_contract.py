"""The plugin follows the contract of its kind."""

import ssltoolbox_supcon

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_supcon, options={"supcon": {"hidden_dim": 16, "output_dim": 8}})
