"""A command's work is divided among processes that don't get into each other's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssltoolbox.api import UserError
from ssltoolbox.support.shard import Shard, claimed


def test_shards_share_everything_once() -> None:
    items = list(range(11))
    shares = [Shard(number, 4).of(items) for number in range(1, 5)]
    assert sorted(item for share in shares for item in share) == items
    assert {len(share) for share in shares} == {2, 3}


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "a/b", "1/0", "-1/4", ""])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UserError, match="not a shard"):
        Shard.parse(text)


def test_shards_work_at_the_same_time(tmp_path: Path) -> None:
    with claimed(tmp_path, Shard(1, 2)), claimed(tmp_path, Shard(2, 2)):
        pass


@pytest.mark.parametrize(
    ("one", "other"),
    [(Shard(1, 2), Shard(1, 2)), (Shard(1, 2), Shard(1, 3)), (Shard(1, 2), None), (None, None)],
)
def test_what_must_not_be_at_work_at_the_same_time(
    tmp_path: Path, one: Shard | None, other: Shard | None
) -> None:
    with claimed(tmp_path, one), pytest.raises(UserError, match="in use"), claimed(tmp_path, other):
        pass


def test_a_shard_waits_for_no_whole_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssltoolbox.support.shard.SECONDS_TO_LOOK", 0)
    with claimed(tmp_path, None), pytest.raises(UserError, match="in use"), claimed(tmp_path, Shard(1, 2)):
        pass


def test_the_whole_command_leaves_no_lock_of_a_shard(tmp_path: Path) -> None:
    with claimed(tmp_path, Shard(1, 2)):
        assert list(tmp_path.glob(".shard-*"))
    with claimed(tmp_path, None):
        assert not list(tmp_path.glob(".shard-*"))
