"""The plugin follows the contract of its kind."""

import ssltoolbox_nnclr

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    options = {"support": 64, "hidden_dim": 16, "prediction_dim": 16, "output_dim": 8}
    check_plugin(ssltoolbox_nnclr, options={"nnclr": options})
