"""The processes that train on the further devices of a node, started by the first process of the node."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Event, Thread

from ssltoolbox.api import UserError
from ssltoolbox.engine.training.earlier import earlier_trainings
from ssltoolbox.engine.training.launch import World

PATIENCE = 30.0
"""Seconds in which the other processes end by themselves after one of them has failed."""
PATIENCE_OF_USERS = 10.0
"""Seconds in which they end by themselves after an interruption."""
SECONDS_BETWEEN_LOOKS = 1.0

log = logging.getLogger(__name__)


class Children:
    """Processes that run the same command as this one, one for each further device of its node.

    Lightning has such a launcher too. It kills all processes as soon as it sees that one has failed, often before
    the others have said why they stop.
    """

    def __init__(self, world: World) -> None:
        """
        Raises:
            UserError: where there are further devices, and the command of this process can't be run again.
        """
        self.world = world
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._ended = Event()
        self._parent = os.getppid()
        starts = not (world.launcher or world.local_rank or world.devices == 1)
        self._command = _own_command() if starts else []

    def start(self) -> None:
        """Starts them, unless a launcher has; the environment says where the processes meet.

        In one of them, it watches the process that has started it.
        """
        world = self.world
        if world.local_rank and not world.launcher:
            Thread(target=self._watch_parent, daemon=True, name="watch the first process").start()
        if not self._command:
            return
        node, size = str(world.rank // world.devices), str(world.size)
        for local_rank in range(1, world.devices):
            place = {"NODE_RANK": node, "LOCAL_RANK": str(local_rank), "WORLD_SIZE": size}
            self._processes[world.rank + local_rank] = subprocess.Popen(
                self._command, env=os.environ | place | earlier_trainings()
            )
        Thread(target=self._watch, daemon=True, name="watch the other processes").start()

    def end(self, within: float) -> None:
        """Waits until they have ended, and kills those that have not.

        Args:
            within: seconds to wait.
        """
        self._ended.set()
        until = time.monotonic() + within
        try:
            for process in self._processes.values():
                process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.info("another process has not ended within %.0f seconds, and is killed", within)
        finally:
            # After a KeyboardInterrupt too.
            for process in self._processes.values():
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
        self.end(within=0)
        os._exit(1)

    def _watch_parent(self) -> None:
        """Ends this process if the one that has started it was killed: in NCCL, it would wait for minutes."""
        while os.getppid() == self._parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        time.sleep(PATIENCE)
        log.error("rank %d ends, because the process that has started it was killed", self.world.rank)
        os._exit(1)

    def _failed(self) -> dict[int, int]:
        """The exit codes of those that have failed, by rank."""
        return {rank: code for rank, process in self._processes.items() if (code := process.poll())}


def _own_command() -> Sequence[str]:
    """The command of this process, with Python's own options.

    Raises:
        UserError: where Python runs no script, as in a notebook.
    """
    script = getattr(sys.modules["__main__"], "__file__", "<stdin>") != "<stdin>" or "-c" in sys.orig_argv
    typed = hasattr(sys, "ps1")
    if typed or not script or multiprocessing.parent_process():
        raise UserError(
            "training on several devices starts the same script once more for each further device, "
            "and this process runs none: it is a notebook, a prompt, or a process of multiprocessing",
            "set trainer.devices to 1, or train by ssltoolbox train, by a script, or by torchrun",
        )
    return [sys.executable, *sys.orig_argv[1:]]
