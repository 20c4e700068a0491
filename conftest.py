"""For all tests: one thread each, no deadlines, and SIGINT interrupts.

Torch's threads wait by spinning, so with more of them than free cores the tests take many times as long. Set
before torch is imported, and inherited by the processes that tests start.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell without a terminal starts its background processes with SIGINT ignored, and they hand that on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Features are kept where the tests' other files are, and not in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSLTOOLBOX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this repository's tests."""
    parser.addoption(
        "--update-golden", action="store_true", help="Write the expected texts of tests/golden anew."
    )
    parser.addoption(
        "--robustness", action="store_true", help="All of tests/robustness, not the part that fits CI."
    )


def pytest_configure(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: where several processes would write the same files of expected texts.
    """
    if config.getoption("--update-golden") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--update-golden writes files that tests share: run it without -n")
