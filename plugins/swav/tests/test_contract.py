"""The plugin follows the contract of its kind."""

import ssltoolbox_swav

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    options = {
        "prototypes": 12,
        "frozen_epochs": 0.1,
        "queue": 16,
        "queue_epochs": 0,
        "hidden_dim": 16,
        "output_dim": 8,
    }
    check_plugin(ssltoolbox_swav, options={"swav": options})
