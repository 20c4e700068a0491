"""The plugin follows the contract of its kind."""

import ssltoolbox_time_aug

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_time_aug)
