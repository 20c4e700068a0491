"""The processes that train on the further devices of a node, started by the first process of the node."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Event, Thread

from ssltoolbox.engine.training.launch import World

PATIENCE = 30.0
"""Seconds in which the other processes end by themselves after one of them has failed."""
SECONDS_BETWEEN_LOOKS = 1.0

log = logging.getLogger(__name__)


class Children:
    """Processes that run the same command as this one, one for each further device of its node.

    Lightning has such a launcher too. It kills all processes as soon as it sees that one has failed, often before
    the others have said why they stop.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._ended = Event()

    def start(self) -> None:
        """Starts them, unless a launcher has; the environment says where the processes meet."""
        world = self.world
        if world.launcher or world.local_rank or world.devices == 1:
            return
        node, size = str(world.rank // world.devices), str(world.size)
        for local_rank in range(1, world.devices):
            place = {"NODE_RANK": node, "LOCAL_RANK": str(local_rank), "WORLD_SIZE": size}
            self._processes[world.rank + local_rank] = subprocess.Popen(_command(), env=os.environ | place)
        Thread(target=self._watch, daemon=True, name="watch the other processes").start()

    def end(self, at_once: bool = False) -> None:
        """Waits until they have ended, and kills those that don't end in time.

        Args:
            at_once: kill them without waiting.
        """
        self._ended.set()
        until = time.monotonic() + (0 if at_once else PATIENCE)
        for process in self._processes.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self) -> None:
        """Ends this process too if it waits for one that has failed: in NCCL, it would do so for minutes."""
        while not self._failed():
            if self._ended.wait(SECONDS_BETWEEN_LOOKS):
                return
        if self._ended.wait(PATIENCE):
            return
        for rank, code in self._failed().items():
            line = f"rank {rank} has ended with exit code {code}, and the others wait for it: they are killed"
            log.error(line)
            print(line, file=sys.stderr, flush=True)
        self.end(at_once=True)
        os._exit(1)

    def _failed(self) -> dict[int, int]:
        """The exit codes of those that have failed, by rank."""
        return {rank: code for rank, process in self._processes.items() if (code := process.poll())}


def _command() -> Sequence[str]:
    """The command of this process."""
    spec = sys.modules["__main__"].__spec__
    if spec is None:
        return [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]
    return [sys.executable, "-m", spec.name, *sys.argv[1:]]
