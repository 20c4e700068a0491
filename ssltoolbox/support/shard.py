"""One command's work divided among several processes, such as the tasks of a SLURM array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ssltoolbox.api import UserError
from ssltoolbox.support.files import locked

T = TypeVar("T")

_BEGIN = ".begin.lock"
SECONDS_TO_LOOK = 5
"""How long a shard waits for others that look at the same lock."""


@dataclass(frozen=True)
class Shard:
    """One of several equal shares of the work.

    Attributes:
        number: from 1.
        count: of all shards.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """
        >>> Shard.parse("3/16")
        Shard(number=3, count=16)

        Raises:
            UserError: if the text is not like that.
        """
        number, _, count = text.partition("/")
        if not number.isdecimal() or not count.isdecimal() or not 1 <= int(number) <= int(count):
            raise UserError(
                f"{text!r} is not a shard",
                "write 1/16 to 16/16; a SLURM array that begins at 1 has such numbers",
            )
        return cls(int(number), int(count))

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Its share.

        >>> Shard(2, 3).of("abcdefg")
        'be'
        """
        return items[self.number - 1 :: self.count]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


@contextmanager
def claimed(folder: Path, shard: Shard | None) -> Iterator[None]:
    """Makes a folder and locks it for a whole command, or for one shard. Shards may work at the same time.

    Raises:
        UserError: if another process has this shard, has the whole folder, or divides the work in another way; or
            the folder can't be written to.
    """
    if shard is None:
        with locked(folder):
            _refuse_shards(folder, folder.glob(_name("*", "*")))
            for stale in (*folder.glob(_name("*", "*")), folder / _BEGIN):
                stale.unlink(missing_ok=True)
            yield
        return
    with locked(folder, _name(shard.number, shard.count), f"shard {shard}"):
        with locked(folder, timeout=SECONDS_TO_LOOK):
            pass
        same = set(folder.glob(_name("*", shard.count)))
        _refuse_shards(folder, set(folder.glob(_name("*", "*"))) - same)
        yield


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Waits while another shard does this."""
    with locked(folder, _BEGIN, timeout=600):
        yield


def _name(number: object, count: object) -> str:
    return f".shard-{number}-of-{count}.lock"


def _refuse_shards(folder: Path, locks: Iterator[Path] | set[Path]) -> None:
    """
    Raises:
        UserError: if a process holds one of these locks.
    """
    for path in locks:
        with locked(folder, path.name, path.stem.removeprefix(".").replace("-", " ")):
            pass
