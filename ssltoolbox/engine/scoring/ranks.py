"""The processes of a run while it is evaluated: the first one evaluates, and asks the others for shares."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any

from torch import distributed, nn

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line

LONGEST_WAIT = timedelta(days=7)
"""How long a process waits for the first one, which may be fitting probes or fine-tuning."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Failed:
    """Stands for the share of a process that could not do it.

    Attributes:
        message: of the exception.
        hint: that of a user's mistake; None for any other exception.
    """

    message: str
    hint: str | None = None


class Ranks:
    """The processes of a run while it is evaluated. All of them make one, and call its methods, at the same time.

    Its methods raise an `SslToolboxError` when another process has stopped.
    """

    def __init__(self) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self._group: Any = distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)

    def make_equal(self, *networks: nn.Module) -> None:
        """Gives networks the weights and buffers of the first process."""
        for network in networks:
            network.load_state_dict(self._from_first(network.state_dict() if self.rank == 0 else None))

    def share(self, request: Any, work: Callable[[Any], Any], what: str) -> list[Any]:
        """The shares of all processes, in order. Called by the first process.

        Args:
            request: what the others get, pickled; not None.
            work: request → this process's share.
            what: is computed, for messages.

        Raises:
            UserError: when another process has found a user's mistake.
            SslToolboxError: when another process has failed or stopped.
        """
        self._from_first(request)
        try:
            own = work(request)
        except Exception:
            self._to_first(None)
            raise
        shares = self._to_first(own)
        for rank, share in enumerate(shares):
            if not isinstance(share, _Failed):
                continue
            if share.hint is not None:
                raise UserError(share.message, share.hint)
            raise SslToolboxError(f"rank {rank} can't compute its share of the {what}: {share.message}")
        return shares

    def serve(self, work: Callable[[Any], Any]) -> None:
        """Computes shares until the first process is done, or is gone. Called by the other processes.

        Args:
            work: request → this process's share.
        """
        while (request := self._next()) is not None:
            try:
                share = work(request)
            except UserError as error:
                self._to_first(_Failed(error.message, error.hint))
                raise
            except Exception as error:
                self._to_first(_Failed(first_line(error)))
                raise
            self._to_first(share)

    @contextmanager
    def released(self) -> Iterator[None]:
        """At its end the others end `serve`, if they are still there. Called by the first process.

        After a KeyboardInterrupt they may be in the middle of a share: they end when this process does.
        """
        try:
            yield
        except Exception:
            self._release()
            raise
        self._release()

    def _release(self) -> None:
        with suppress(SslToolboxError):
            self._from_first(None)

    def _next(self) -> Any:
        try:
            return self._from_first(None)
        except SslToolboxError as error:
            log.info("the first process has ended: %s", error)
            return None

    def _from_first(self, value: Any) -> Any:
        """The value of the first process."""
        values = [value]
        with _stops_explained():
            distributed.broadcast_object_list(values, src=0, group=self._group)
        return values[0]

    def _to_first(self, value: Any) -> list[Any]:
        """The values of all processes on the first one; on the others empty."""
        values: list[Any] = [None] * self.size if self.rank == 0 else []
        with _stops_explained():
            _wait_for(lambda: distributed.gather_object(value, values or None, dst=0, group=self._group))
        return values


def _wait_for(collective: Callable[[], None]) -> None:
    """Calls it in a thread, because Python handles no signal while its main thread waits for other processes.

    Their shares may take hours.
    """
    failures: list[Exception] = []

    def call() -> None:
        try:
            collective()
        except Exception as error:
            failures.append(error)

    thread = Thread(target=call, daemon=True, name="wait for the other processes")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@contextmanager
def _stops_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise SslToolboxError(
            f"another process of the run has stopped, or has said why it fails: {first_line(error)}"
        ) from error
