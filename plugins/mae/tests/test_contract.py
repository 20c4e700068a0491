"""The plugin follows the contract of its kind."""

import ssltoolbox_mae

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    options = {"decoder_dim": 16, "decoder_depth": 1, "decoder_heads": 2}
    check_plugin(ssltoolbox_mae, options={"mae": options}, backbone="test_vit")
