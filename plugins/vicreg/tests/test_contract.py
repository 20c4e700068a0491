"""The plugin follows the contract of its kind."""

import ssltoolbox_vicreg

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_vicreg, options={"vicreg": {"hidden_dim": 16, "output_dim": 8}})
