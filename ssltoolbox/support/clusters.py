"""Work on the machines of a cluster that dask or ray has started."""

from __future__ import annotations

import logging
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.support.prepared import Prepare, PreparedWork

T = TypeVar("T")

AHEAD = 2
"""Tasks that are sent for each process: one that it works on, and the next."""
SECONDS_TO_CONNECT = 30
SECONDS_TO_GET_A_WORKER = 300
"""Processes may have died, or wait in a scheduler's queue."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs tasks. Its machines see the same files under the same paths, and have the same packages.

    Attributes:
        engine: `dask` or `ray`.
        address: of its scheduler, such as `tcp://node1:8786`, or of its head node, such as `node1:6379`.
    """

    engine: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Cluster:
        """
        Raises:
            UserError: if the text is not `dask:ADDRESS` or `ray:ADDRESS`.
        """
        engine, _, address = text.partition(":")
        if engine not in _ENGINES or not address:
            known = ", ".join(f"{name}:ADDRESS" for name in _ENGINES)
            raise UserError(f"{text!r} is not an engine", f"write local, {known}")
        return cls(engine, address)

    def __str__(self) -> str:
        return f"{self.engine} at {self.address}"


class _Connection(Protocol):
    """A connection to a cluster. A handle stands for a task that was sent."""

    def processes(self) -> int:
        """The number of processes that work now, at least 1.

        Raises:
            UserError: if there is none for a long time.
        """

    def send(self, call: Callable[..., Any], *arguments: object) -> Any:
        """Sends a task, and gives its handle."""

    def wait(self, handles: Sequence[Any]) -> Any:
        """The handle of a task that is done."""

    def result(self, handle: Any) -> Any:
        """
        Raises:
            WorkerDied: if a process died each time that it worked on the task.
        """

    def cancel(self, handles: Sequence[Any]) -> None:
        """Forgets the tasks that are not begun. If there are any, the connection ends next."""


class WorkerDied(Exception):
    """The processes that worked on a task died."""


def on_cluster(
    cluster: Cluster,
    work: Callable[..., T],
    tasks: Sequence[tuple[Any, ...]],
    prepare: Prepare | None,
    died: Callable[..., T] | None,
) -> Iterator[T]:
    """Yields the results of `work(*task)` in the order in which they are done. See `support.workers.as_done`.

    Raises:
        UserError: if the cluster can't be reached, or has no process.
        SslToolboxError: if the processes that work on a task die, and `died` is not given.
    """
    ready = _Ready(uuid4().hex, pickle.dumps(prepare))
    with _ENGINES[cluster.engine](cluster) as connection:
        waiting = dict(enumerate(tasks))
        odd: list[int] = []
        yield from _results(connection, work, waiting, ready, odd)
        # A task can be lost because of another one in the same process, so each gets a second chance by itself.
        for number in odd:
            alone, again = {number: tasks[number]}, list[int]()
            yield from _results(connection, work, alone, ready, again)
            if again and died is None:
                raise SslToolboxError(
                    f"processes of {cluster} died while they worked: perhaps memory ran out; see the log of the "
                    "workers; run the same command again to resume"
                )
            if again and died:
                yield died(*tasks[number])


def _results(
    connection: _Connection,
    work: Callable[..., T],
    waiting: Mapping[int, tuple[Any, ...]],
    ready: _Ready,
    odd: list[int],
) -> Iterator[T]:
    """Sends tasks, a few for each process, and yields the results; `odd` gets the tasks whose processes died."""
    left = iter(waiting.items())
    sent: dict[Any, int] = {}
    try:
        while True:
            # Processes may join and leave.
            room = connection.processes() * AHEAD - len(sent)
            for task in islice(left, max(0, room)):
                sent[connection.send(_call, ready, work, task[1])] = task[0]
            if not sent:
                return
            handle = connection.wait(list(sent))
            number = sent.pop(handle)
            try:
                result = connection.result(handle)
            except WorkerDied:
                odd.append(number)
            else:
                yield result
    finally:
        connection.cancel(list(sent))


@dataclass(frozen=True)
class _Ready:
    """What a process does before its first task of a command.

    Attributes:
        command: differs between commands.
        pickled: `prepare`, which is loaded once in each process.
    """

    command: str
    pickled: bytes


class _ClusterProcess:
    """What a process of a cluster has between tasks."""

    command = ""
    prepared = PreparedWork(None)
    lock = threading.Lock()


def _call(ready: _Ready, work: Callable[..., T], task: tuple[Any, ...]) -> T:
    """Runs in a process of the cluster, which may have several threads; the work is made for one."""
    with _ClusterProcess.lock:
        if _ClusterProcess.command != ready.command:
            _ClusterProcess.prepared = PreparedWork(pickle.loads(ready.pickled))
            _ClusterProcess.command = ready.command
        return _ClusterProcess.prepared(work, task)


@contextmanager
def _dask(cluster: Cluster) -> Iterator[_Connection]:
    try:
        from distributed import Client
    except ImportError as error:
        raise _missing("dask", error) from error
    try:
        client = Client(cluster.address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise UserError(f"there is no dask scheduler at {cluster.address}", "check --engine") from error
    with client:
        yield _Dask(client, cluster)


class _Dask:
    def __init__(self, client: Any, cluster: Cluster) -> None:
        self._client = client
        self._cluster = cluster

    def processes(self) -> int:
        from distributed import TimeoutError as NoWorker

        try:
            self._client.wait_for_workers(1, timeout=SECONDS_TO_GET_A_WORKER)
        except NoWorker as error:
            raise UserError(
                f"{self._cluster} has no worker",
                f"start some: dask worker {self._cluster.address} --nthreads 1",
            ) from error
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def send(self, call: Callable[..., Any], *arguments: object) -> Any:
        return self._client.submit(call, *arguments, pure=False)

    def wait(self, handles: Sequence[Any]) -> Any:
        from distributed import wait

        return next(iter(wait(list(handles), return_when="FIRST_COMPLETED").done))

    def result(self, handle: Any) -> Any:
        from distributed import KilledWorker

        try:
            return handle.result()
        except KilledWorker as error:
            raise WorkerDied from error

    def cancel(self, handles: Sequence[Any]) -> None:
        self._client.cancel(list(handles))


@contextmanager
def _ray(cluster: Cluster) -> Iterator[_Connection]:
    try:
        import ray
    except ImportError as error:
        raise _missing("ray", error) from error
    _check_listens(cluster)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(cluster.address, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        ray.shutdown()
        reason = first_line(error)
        raise UserError(f"no ray cluster at {cluster.address}: {reason}", "check --engine") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # ray would end the process without a word
    try:
        yield _Ray(cluster)
    finally:
        ray.shutdown()


def _check_listens(cluster: Cluster) -> None:
    """
    Raises:
        UserError: if nothing listens at a `HOST:PORT`: ray itself would wait for it for very long.
    """
    host, _, port = cluster.address.rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_CONNECT).close()
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise UserError(f"no ray cluster at {cluster.address}: {reason}", "check --engine") from error


class _Ray:
    def __init__(self, cluster: Cluster) -> None:
        import ray

        self._cluster = cluster
        self._remote = cache(ray.remote(max_retries=0))

    def processes(self) -> int:
        import ray

        cores = int(ray.cluster_resources().get("CPU", 0))
        if not cores:
            raise UserError(
                f"{self._cluster} has no cores",
                f"add a node: ray start --address {self._cluster.address}",
            )
        return cores

    def send(self, call: Callable[..., Any], *arguments: object) -> Any:
        return self._remote(call).remote(*arguments)

    def wait(self, handles: Sequence[Any]) -> Any:
        import ray

        return ray.wait(list(handles))[0][0]

    def result(self, handle: Any) -> Any:
        import ray
        from ray.exceptions import NodeDiedError, OutOfMemoryError, RayTaskError, WorkerCrashedError

        try:
            return ray.get(handle)
        except RayTaskError as error:
            raise error.cause from None
        except (NodeDiedError, OutOfMemoryError, WorkerCrashedError) as error:
            raise WorkerDied from error

    def cancel(self, handles: Sequence[Any]) -> None:
        """Does nothing: the tasks end with the connection. `ray.cancel` may crash this process (ray 2.60)."""


def _missing(engine: str, error: ImportError) -> UserError:
    return UserError(
        f"--engine {engine} needs {error.name}, which is not installed", f"pip install 'ssltoolbox[{engine}]'"
    )


_ENGINES: Mapping[str, Callable[[Cluster], AbstractContextManager[_Connection]]] = {
    "dask": _dask,
    "ray": _ray,
}
