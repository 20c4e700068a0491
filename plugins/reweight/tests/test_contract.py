"""The plugin follows the contract of its kind."""

import ssltoolbox_reweight

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_reweight)
