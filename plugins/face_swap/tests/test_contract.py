"""The plugin follows the contract of its kind."""

import ssltoolbox_face_swap

from ssltoolbox.testing import check_plugin


def test_the_contract() -> None:
    check_plugin(ssltoolbox_face_swap)
