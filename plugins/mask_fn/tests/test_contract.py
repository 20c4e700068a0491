"""The plugin follows the contract of its kind, whatever describes the faces."""

from pathlib import Path

import pytest
import ssltoolbox_mask_fn

from ssltoolbox.testing import check_plugin


@pytest.mark.parametrize("descriptor", ["pixels", "gradients", "geometry"])
def test_the_contract(descriptor: str) -> None:
    check_plugin(ssltoolbox_mask_fn, options={"mask_fn": {"descriptor": descriptor}})


def test_the_contract_with_a_network(weights: Path) -> None:
    check_plugin(ssltoolbox_mask_fn, options={"mask_fn": {"weights": weights, "top_k": 3}})
