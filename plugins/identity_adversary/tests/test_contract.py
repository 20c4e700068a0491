"""The plugin follows the contract of its kind."""

import ssltoolbox_identity_adversary

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_identity_adversary, options={"identity_adversary": {"people": 64}})
