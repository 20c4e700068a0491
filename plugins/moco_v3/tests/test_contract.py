"""It keeps to the contract of its kind."""

import ssltoolbox_moco_v3

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_moco_v3, options={"moco_v3": {"hidden_dim": 16, "output_dim": 8}})
