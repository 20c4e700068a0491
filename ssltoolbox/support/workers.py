"""Work on all cores: processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, connection, get_context, parent_process
from typing import Any, TypeVar

from ssltoolbox.api import SslToolboxError

T = TypeVar("T")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def as_done(
    work: Callable[..., T],
    tasks: Iterable[tuple[Any, ...]],
    workers: int,
    prepare: Callable[..., object] | None = None,
    prepare_with: tuple[Any, ...] = (),
) -> Iterator[T]:
    """Results of `work(*task)`, in the order in which they are done; an error in a process is raised here.

    Args:
        work: a function at the top of a module.
        tasks: its arguments.
        workers: processes; with one there are none but this.
        prepare: called once in each process before its first task, as `prepare(*prepare_with)`.

    Raises:
        SslToolboxError: when a process was killed.
    """
    if workers == 1:
        if prepare:
            prepare(*prepare_with)
        yield from (work(*task) for task in tasks)
        return
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(prepare, prepare_with)
    ) as pool:
        try:
            futures = [pool.submit(work, *task) for task in tasks]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise SslToolboxError(
                "a process was killed while it worked, perhaps for want of memory; the same command goes on, "
                "and --workers has fewer at a time"
            ) from error
        except BaseException:
            # Nobody waits for the tasks that are under way: a video can take minutes.
            for process in active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(prepare: Callable[..., object] | None, prepare_with: tuple[Any, ...]) -> None:
    """Ctrl-C is for the first process to answer; if that one is killed, this one must not stay."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    if prepare:
        prepare(*prepare_with)


def _follow_parent() -> None:
    parent = parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os._exit(1)
