"""The garbage collector is paused for imports, and works again after them."""

from __future__ import annotations

import gc

import pytest

from ssltoolbox.cli.output import libraries_loaded
from ssltoolbox.support.garbage import collector_paused


def test_it_is_paused_inside_only() -> None:
    with collector_paused(), collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_works_again_after_a_failed_import() -> None:
    with pytest.raises(ImportError), collector_paused():
        raise ImportError
    assert gc.isenabled()


def test_one_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_command_leaves_its_imports_out_of_later_collections() -> None:
    before = gc.get_freeze_count()
    try:
        with libraries_loaded():
            kept = [[] for _ in range(1000)]
        assert gc.get_freeze_count() >= before + len(kept)
        assert gc.isenabled()
    finally:
        gc.unfreeze()
