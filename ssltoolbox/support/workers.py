"""Work on all cores: processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import active_children, connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from ssltoolbox.api import SslToolboxError
from ssltoolbox.support.clusters import Cluster, on_cluster
from ssltoolbox.support.interruption import STOP_SIGNALS
from ssltoolbox.support.prepared import Prepare, PreparedWork

T = TypeVar("T")

CAUSES = {
    "Bus error": "a file of the data was cut short while it was read, or shared memory is full (df /dev/shm)",
    "Killed": "perhaps memory ran out",
}
"""Name of a signal → the usual cause of a process that it ended."""


class _Died(Exception):
    """A process of a pool has died.

    Args:
        signal: name of the signal that ended it; empty if unknown.
    """

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal


def signal_of(process: BaseProcess) -> str:
    """The name of the signal that ended a process; empty if none did."""
    code = process.exitcode
    return (signal.strsignal(-code) or "") if code and code < 0 else ""


def affinity() -> set[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cores() -> int:
    """The number of cores that this process may use."""
    return len(affinity())


def as_done(
    work: Callable[..., T],
    tasks: Sequence[tuple[Any, ...]],
    workers: int | Cluster,
    prepare: Prepare | None = None,
    *,
    died: Callable[..., T] | None = None,
) -> Iterator[T]:
    """Yields the results of `work(*task)` in the order in which they are done.

    An exception in a process is raised here. If a process dies, because memory runs out or a library crashes, the
    tasks that it may have been working on are done again, each in its own process.

    Args:
        work: a function at the top level of a module, or of a class there.
        tasks: the arguments of each call.
        workers: the most processes; with 1 the calls are made in this process. Or a cluster, whose processes
            import the same modules and see the same files.
        prepare: called once in each process at its first task; what it makes is the first argument of `work`.
        died: called as `died(*task)` for a task whose own process dies; gives its result. Without it that is an
            error.

    Raises:
        SslToolboxError: if a process dies: the signal, and its usual cause.
    """
    if isinstance(workers, Cluster):
        if tasks:
            yield from on_cluster(workers, work, tasks, prepare, died)
        return
    workers = min(workers, len(tasks))
    if workers <= 1:
        here = PreparedWork(prepare)
        yield from (here(work, task) for task in tasks)
        return
    waiting = dict(enumerate(tasks))
    start = partial(_start, prepare)
    while waiting:
        try:
            yield from _together(work, waiting, start(workers))
        except _Died:
            # Tasks begin in order, so those under way are the first of those that are left.
            for number in list(waiting)[:workers]:
                yield _alone(work, waiting.pop(number), start(1), died)


def _start(prepare: Prepare | None, workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(prepare,))


def _together(
    work: Callable[..., T], waiting: dict[int, tuple[Any, ...]], pool: ProcessPoolExecutor
) -> Iterator[T]:
    """Yields the results of the waiting tasks, and removes each task from `waiting` once its result is there.

    Raises:
        _Died: if a process dies.
    """
    with pool:
        try:
            futures = {pool.submit(_call, work, task): number for number, task in waiting.items()}
            processes = active_children()
            for future in as_completed(futures):
                result = future.result()
                del waiting[futures[future]]
                yield result
        except BrokenProcessPool as error:
            pool.shutdown(wait=True)
            raise _Died(next(filter(None, map(signal_of, processes)), "")) from error
        except BaseException:
            # Do not wait for the tasks that have begun: a video can take minutes.
            for process in active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _alone(
    work: Callable[..., T], task: tuple[Any, ...], pool: ProcessPoolExecutor, died: Callable[..., T] | None
) -> T:
    try:
        [result] = _together(work, {0: task}, pool)
        return result
    except _Died as error:
        if died:
            return died(*task)
        cause = CAUSES.get(error.signal, "perhaps memory ran out")
        raise SslToolboxError(
            f"a process died while it worked ({error.signal or 'no signal'}): {cause}; run the same command "
            "again to resume, with fewer processes by --workers"
        ) from error


class _PoolProcess:
    """What a process of a pool has between tasks."""

    prepared = PreparedWork(None)


def _call(work: Callable[..., T], task: tuple[Any, ...]) -> T:
    """Runs in a process of the pool."""
    return _PoolProcess.prepared(work, task)


def _begin(prepare: Prepare | None) -> None:
    """Begins a process of the pool. It ignores Ctrl-C and the signals of a scheduler, which the parent handles.

    It ends when the parent ends, or when the parent sends SIGTERM.
    """
    for number in STOP_SIGNALS:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _PoolProcess.prepared = PreparedWork(prepare)


def _follow_parent() -> None:
    parent = parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os._exit(1)
