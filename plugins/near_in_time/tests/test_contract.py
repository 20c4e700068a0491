"""The plugin follows the contract of its kind."""

import ssltoolbox_near_in_time

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_near_in_time)
