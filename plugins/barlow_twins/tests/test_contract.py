"""The plugin follows the contract of its kind."""

import ssltoolbox_barlow_twins

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_barlow_twins, options={"barlow_twins": {"hidden_dim": 16, "output_dim": 8}})
