"""A plugin file's module says where the file is, so that every process can import it."""

from __future__ import annotations

import pickle
import sys
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from helpers.plugins import FakePlugins
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.api import Clip, Kind
from ssltoolbox.registry import discover
from ssltoolbox.registry.files import load_file, module_name

EARLIER = """
from ssltoolbox.api import Descriptor, PositiveGenerator, hookimpl

class Earlier(PositiveGenerator):
    def pick(self, clip, frame, rng):
        return frame - 1

@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="earlier", summary="The frame before.", target=f"{__name__}:Earlier", api=1)
"""


def test_a_spawned_process_gets_a_strategy_of_a_file(plugins: FakePlugins) -> None:
    (plugins.folder / "my plugins, v1.2").mkdir()
    path = plugins.file("my plugins, v1.2/earlier.py", EARLIER)
    found = discover([path]).get(Kind.POSITIVE_GENERATORS, "earlier")
    strategy = found.load()(found.descriptor.options())
    clip = Clip(index=0, identity=0, times=np.arange(9) / 25)
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(strategy.pick, (clip, 5, np.random.default_rng(0))) == 4


def test_a_process_that_has_not_seen_the_file_imports_it(plugins: FakePlugins) -> None:
    path = plugins.file("earlier.py", EARLIER)
    written = pickle.dumps(load_file(path).Earlier)
    del sys.modules[module_name(path)]
    assert pickle.loads(written) is load_file(path).Earlier


def test_a_file_that_is_gone_is_named(plugins: FakePlugins) -> None:
    path = plugins.file("earlier.py", EARLIER)
    written = pickle.dumps(load_file(path).Earlier)
    del sys.modules[module_name(path)]
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"earlier\.py"):
        pickle.loads(written)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_name_is_one_module_below_and_fits_a_target(text: str) -> None:
    name = module_name(Path(f"/{text}.py"))
    assert name.rpartition(".")[0] == "ssltoolbox.registry.files"
    assert ":" not in name
