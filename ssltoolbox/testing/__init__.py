"""Runs a plugin against the contract of its kind, in a test or, as `ssltoolbox plugins check`, by hand.

One line in a plugin's tests holds it to everything that the engine relies on:

    from ssltoolbox.testing import check_plugin

    def test_the_contract():
        check_plugin("my_strategy")

It needs no data, and it also runs on the accelerator if there is one. A failure says what is wrong and what to
do. Unlike `ssltoolbox.api` itself, this package imports torch.
"""

from ssltoolbox.testing.check import BrokenContract, Finding, check_plugin, examine
from ssltoolbox.testing.targets import Target

__all__ = ["BrokenContract", "Finding", "Target", "check_plugin", "examine"]
