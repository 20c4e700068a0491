"""The plugin follows the contract of its kind."""

import ssltoolbox_warm_restarts

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_warm_restarts)
