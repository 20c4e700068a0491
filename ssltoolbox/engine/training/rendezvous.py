"""The rendezvous of a run: all processes begin together, or none of them begins."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import distributed

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.training.children import PATIENCE, PATIENCE_OF_USERS, Children
from ssltoolbox.engine.training.launch import RUN_FOLDER, World
from ssltoolbox.support.interruption import Interrupted
from ssltoolbox.support.workers import affinity

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]

SET_WHILE_TRAINING = (RUN_FOLDER, "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")
MOST_SECONDS_TO_COME = 600.0
"""Timeout while the processes wait for each other before the run begins."""
MOST_SECONDS_TO_HEAR = 60.0
"""How long the first process waits until the others know that the run does not begin."""


@dataclass(frozen=True)
class Start:
    """What all processes of a run know when it begins.

    Attributes:
        folder: the run folder.
        trains: False if nothing is left to train.
        evaluates: False if nothing is left to evaluate.
        together: True if the other processes compute features too.
        sharing: the number of processes, this one included, that share this process's cores.
        children: the processes that this one is to start.
    """

    folder: Path
    trains: bool
    evaluates: bool
    together: bool
    sharing: int
    children: Children


class Rendezvous:
    """Makes all processes of a run begin together, or none of them.

    The first process calls `await_others`, and `begin` once it has locked the run folder; the others call `join`.
    If one process fails before that, the others stop too.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        # Without a launcher, only the first process of each node takes part.
        started = world.launcher
        self._index = world.rank if started else world.rank // world.devices
        self._members = world.size if started else world.nodes
        self._is_child = RUN_FOLDER in os.environ and not started
        self._homes = [_home()]
        self._stopped: set[int] = set()
        self._before = {name: os.environ.get(name) for name in SET_WHILE_TRAINING}
        self._begun = False
        self._board: Store | None = None
        self._children = Children(world)

    def __enter__(self) -> Self:
        if self._members > 1 and not self._is_child:
            self._board = _board(self.world, host=self._index == 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None and not self._begun:
                self._give_up(error)
            if not self.world.launcher and distributed.is_initialized():
                # The others may wait for this process: closed connections end that.
                distributed.destroy_process_group()
            hurry = isinstance(error, (KeyboardInterrupt, Interrupted))
            self._children.end(PATIENCE_OF_USERS if hurry else PATIENCE)
        finally:
            for name, value in self._before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def await_others(self) -> None:
        """Called by the first process: waits until all others are there.

        Raises:
            SslToolboxError: when another process has stopped, or does not come.
        """
        if self._board is None:
            return
        for member in range(1, self._members):
            answer = self._hear(f"ready {member}", f"process {member} of {self._members}")
            if "stopped" in answer:
                self._stopped.add(member)
                raise SslToolboxError(f"process {member} has stopped: {answer['stopped']}")
            self._homes.append(answer["home"])

    def begin(self, folder: Path, trains: bool, evaluates: bool) -> Start:
        """Called by the first process: publishes for the others that the run begins."""
        what = {"folder": str(folder), "trains": trains, "evaluates": evaluates, "homes": self._homes}
        if self._board is not None:
            self._publish("begin", what | {"port": self._meet_at(_free_port())})
        self._begun = True
        return self._started(what)

    def join(self) -> Start:
        """Called by the other processes: waits until the run begins.

        Raises:
            SystemExit: with the exit code of the first process, where the run does not begin.
        """
        if self._board is None:
            folder = os.environ[RUN_FOLDER]
            return self._started({"folder": folder, "trains": True, "evaluates": True, "homes": self._homes})
        self._publish(f"ready {self._index}", {"home": self._homes[0]})
        word = self._hear("begin", "the first process")
        self._begun = True
        self._publish(f"heard {self._index}", {})
        if "exit" in word:
            raise SystemExit(word["exit"])
        self._meet_at(word["port"])
        return self._started(word)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Lets the processes exchange values, also where they have not trained; all call it together."""
        if self._board is None or distributed.is_initialized():
            yield
            return
        if torch.cuda.is_available():
            torch.cuda.set_device(self.world.local_rank)
        self._board.set_timeout(timedelta(seconds=MOST_SECONDS_TO_COME))
        store = distributed.PrefixStore("group", self._board)  # type: ignore[attr-defined]
        distributed.init_process_group("gloo", store=store, rank=self._index, world_size=self._members)
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def _meet_at(self, port: int) -> int:
        """Sets the port of torch's process group; the given port is in use by this rendezvous."""
        if not (self.world.launcher and self.world.launcher.has_store):
            os.environ["MASTER_PORT"] = str(port)
        return port

    def _started(self, what: Mapping[str, Any]) -> Start:
        os.environ[RUN_FOLDER] = what["folder"]
        if not self.world.launcher:
            os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
            os.environ.setdefault("MASTER_PORT", str(_free_port()))
        # Without a launcher, the further processes of a node are there only if they train.
        processes = self.world.size if what["trains"] else self._members
        return Start(
            folder=Path(what["folder"]),
            trains=what["trains"],
            evaluates=what["evaluates"],
            together=what["evaluates"] and processes > 1,
            sharing=self._sharing(what["homes"], what["trains"]),
            children=self._children,
        )

    def _sharing(self, homes: Sequence[Sequence[Any]], trains: bool) -> int:
        host, cores = self._homes[0]
        here = sum(host == other and not set(cores).isdisjoint(theirs) for other, theirs in homes)
        return here if self.world.launcher or not trains else here * self.world.devices

    def _give_up(self, error: BaseException) -> None:
        """Publishes for the other processes that this one ends."""
        if self._board is None:
            return
        if self._index > 0:
            self._publish(f"ready {self._index}", {"stopped": first_line(error)})
            return
        stopped = isinstance(error, (KeyboardInterrupt, Interrupted))
        code = 2 if isinstance(error, UserError) else 130 if stopped else 1
        self._publish("begin", {"exit": code})
        until = time.monotonic() + MOST_SECONDS_TO_HEAR
        acknowledged = [
            f"heard {member}" for member in range(1, self._members) if member not in self._stopped
        ]
        while not self._board.check(acknowledged) and time.monotonic() < until:
            time.sleep(0.05)

    def _publish(self, key: str, value: Mapping[str, Any]) -> None:
        assert self._board is not None
        self._board.set(key, json.dumps(value))

    def _hear(self, key: str, who: str) -> dict[str, Any]:
        """Polls for a value, so that signals are handled while it waits."""
        assert self._board is not None
        until = time.monotonic() + MOST_SECONDS_TO_COME
        while not self._board.check([key]):
            if time.monotonic() > until:
                raise SslToolboxError(f"{who} did not arrive within {MOST_SECONDS_TO_COME / 60:.0f} minutes")
            time.sleep(0.05)
        value: dict[str, Any] = json.loads(self._board.get(key))
        return value


_runs = count()


def _board(world: World, host: bool) -> Store:
    """A store of keys and values for the run that begins now.

    Raises:
        SslToolboxError: when the first process can't be reached.
    """
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    started = world.launcher
    address = started.address if started else os.environ["MASTER_ADDR"]
    port = started.port if started else int(os.environ["MASTER_PORT"])
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = _store(address, port, host and not (started and started.has_store))
    return PrefixStore(f"ssltoolbox {attempt} {next(_runs)}", store)


@cache
def _store(address: str, port: int, host: bool) -> Store:
    """The store at an address. It is kept as long as the process lives, for processes that come late."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    until = time.monotonic() + MOST_SECONDS_TO_COME
    while True:
        try:
            # Short timeouts: no signal is handled during a try.
            return TCPStore(
                address, port, is_master=host, wait_for_workers=False, timeout=timedelta(seconds=5)
            )
        except (RuntimeError, OSError) as error:
            if host or time.monotonic() > until:
                raise SslToolboxError(
                    f"the processes of the run can't meet at {address}:{port}: {first_line(error)}"
                ) from error


def _home() -> list[Any]:
    """The machine of this process, and the cores that it may use."""
    return [socket.gethostname(), sorted(affinity())]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        port: int = found.getsockname()[1]
    return port
