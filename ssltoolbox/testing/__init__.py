"""Tests a plugin against the contract of its kind. `ssltoolbox plugins check` runs the same tests.

One line in a plugin's tests checks everything that the engine relies on:

    from ssltoolbox.testing import check_plugin

    def test_the_contract():
        check_plugin("my_strategy")

It needs no data. If there is a GPU, it also runs there. A failure says what is wrong and what to do. Unlike
`ssltoolbox.api`, this package imports torch.
"""

from ssltoolbox.testing.check import BrokenContract, Finding, check_plugin, examine
from ssltoolbox.testing.targets import Target

__all__ = ["BrokenContract", "Finding", "Target", "check_plugin", "examine"]
