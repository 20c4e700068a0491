"""For all tests: one thread each, and no deadlines.

Torch's threads wait by spinning, so with more of them than free cores the tests take many times as long. Set
before torch is imported, and inherited by the processes that tests start.
"""

import os

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this repository's tests."""
    parser.addoption(
        "--update-golden", action="store_true", help="Write the expected texts of tests/golden anew."
    )
    parser.addoption(
        "--robustness", action="store_true", help="All of tests/robustness, not the part that fits CI."
    )
