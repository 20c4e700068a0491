"""The plugin follows the contract of its kind."""

import ssltoolbox_dino

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    options = {"hidden_dim": 16, "bottleneck_dim": 8, "output_dim": 12, "frozen_epochs": 0}
    check_plugin(ssltoolbox_dino, options={"dino": options})
