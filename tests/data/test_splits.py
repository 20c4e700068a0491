from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.data.splits import split_of, with_val

NAMES = [f"id{number:05d}" for number in range(10_000)]


def test_fractions_are_kept_over_many_identities() -> None:
    found = Counter(split_of(name, val=0.1, test=0.2) for name in NAMES)
    assert found["test"] == pytest.approx(2000, abs=150)
    assert found["val"] == pytest.approx(1000, abs=150)


def test_the_assignment_never_changes() -> None:
    splits = {name: split_of(name, val=0.25, test=0.25) for name in ["id00001", "id00003", "id00008"]}
    assert splits == {"id00001": "val", "id00003": "train", "id00008": "test"}


def test_a_larger_share_only_adds() -> None:
    small = {name for name in NAMES if split_of(name, val=0, test=0.1) == "test"}
    large = {name for name in NAMES if split_of(name, val=0, test=0.2) == "test"}
    assert small < large


def test_val_leaves_test_as_it_was() -> None:
    with_val = {name for name in NAMES if split_of(name, val=0.3, test=0.1) == "test"}
    assert with_val == {name for name in NAMES if split_of(name, val=0, test=0.1) == "test"}


@given(st.binary(min_size=1, max_size=20))
def test_any_name_has_a_split(name: bytes) -> None:
    assert split_of(os.fsdecode(name), val=0, test=0) == "train"


def test_few_people_still_leave_one_for_val() -> None:
    groups = [*"abcdefghij", *"abcdefghij", "k"]
    splits = np.array(["train"] * 20 + ["test"])
    found = with_val(splits, groups, val=0.001)
    assert Counter(found.tolist()) == {"train": 18, "val": 2, "test": 1}
    assert found[:10].tolist() == found[10:20].tolist()
    assert with_val(found, groups, val=0.9) is found
    assert with_val(splits, groups, val=0) is splits
