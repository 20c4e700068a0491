"""Freed memory is used again, unless the user says what the allocator keeps."""

import os
import platform
import subprocess
import sys

import pytest

from ssltoolbox.support.allocator import CHOSEN_BY_USER

FAULTS = """
import resource
from ssltoolbox.support.allocator import reuse_freed_memory

def batch():
    blocks = [b"x" * 2**20 for _ in range(30)]
    features = b"x" * (40 * 2**20)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

reuse_freed_memory()
batch()
before = faults()
for _ in range(10):
    batch()
print(faults() - before)
"""
PAGES = 10 * (30 + 40) * 2**20 // 4096
"""Of all blocks after the first batch."""


def faults(**env: str) -> int:
    """The pages that the system had to clear for ten more batches."""
    unset = {name: value for name, value in os.environ.items() if name not in CHOSEN_BY_USER}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True, env=unset | env
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a matter of glibc")
def test_the_memory_of_a_batch_is_used_for_the_next_one() -> None:
    assert faults() < PAGES / 10
    assert faults(MALLOC_TRIM_THRESHOLD_="131072") > PAGES / 2
