"""It keeps to the contract of its kind."""

import pytest
import ssltoolbox_swav

from ssltoolbox.testing import check_plugin


@pytest.mark.parametrize("queue", [0, 16])
def test_the_contract(queue: int) -> None:
    options = {
        "prototypes": 12,
        "frozen_epochs": 0.1,
        "queue": queue,
        "queue_epochs": 0,
        "hidden_dim": 16,
        "output_dim": 8,
    }
    check_plugin(ssltoolbox_swav, options={"swav": options})
