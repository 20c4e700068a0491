"""Work on a cluster of dask or ray: the same results, and a task that kills its process costs no other."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.support import clusters
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.workers import as_done


@pytest.mark.parametrize("text", ["dask", "dask:", "slurm:here", ""])
def test_what_is_no_engine(text: str) -> None:
    with pytest.raises(UserError, match="not an engine"):
        Cluster.parse(text)


def test_an_address_may_have_colons() -> None:
    assert Cluster.parse("dask:tcp://node:8786") == Cluster("dask", "tcp://node:8786")


@pytest.mark.parametrize(("engine", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_an_engine_that_is_not_installed(engine: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError) as error:
        list(as_done(abs, [(1,)], Cluster(engine, "nowhere")))
    assert f"pip install 'ssltoolbox[{engine}]'" in str(error.value)


def test_without_tasks_nobody_connects() -> None:
    assert list(as_done(abs, [], Cluster("dask", "nowhere"))) == []


def test_a_scheduler_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "SECONDS_TO_CONNECT", 0.2)
    with pytest.raises(UserError, match="no dask scheduler"):
        list(as_done(abs, [(1,)], Cluster("dask", "tcp://127.0.0.1:9")))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_ray_cluster_that_does_not_answer_is_an_error(address: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match="no ray cluster"):
        list(as_done(abs, [(1,)], Cluster("ray", address)))


class Squares:
    made = 0

    def __init__(self) -> None:
        Squares.made += 1

    def of(self, number: int) -> tuple[int, int]:
        """Three is more than a process can bear."""
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number**2, self.made


def unknown(number: int) -> tuple[int, int]:
    return -number, 0


def refuse(number: int) -> None:
    raise UserError(f"{number} is wrong")


@pytest.mark.slow
def test_an_error_of_a_task_is_raised_here(cluster: Cluster) -> None:
    with pytest.raises(UserError, match="5 is wrong"):
        list(as_done(refuse, [(5,)], cluster))


@pytest.mark.slow
def test_a_task_that_kills_its_process_costs_no_other(cluster: Cluster) -> None:
    found = list(as_done(Squares.of, [(number,) for number in range(8)], cluster, Squares, died=unknown))
    assert sorted(number for number, _ in found) == [-3, 0, 1, 4, 16, 25, 36, 49]
    # Each process is prepared once.
    assert all(made == 1 for number, made in found if number >= 0)


class Here:
    """A connection that does each task at once, and loses the process of task 3."""

    def processes(self) -> int:
        return 2

    def send(self, call: Callable[..., Any], *arguments: Any) -> Any:
        if arguments[-1] == (3,):
            return object(), None
        return object(), call(*arguments)

    def wait(self, handles: Sequence[Any]) -> Any:
        return handles[-1]

    def result(self, handle: Any) -> Any:
        if handle[1] is None:
            raise clusters.WorkerDied
        return handle[1]

    def cancel(self, handles: Sequence[Any]) -> None: ...


def negative(number: int) -> int:
    return -number


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(clusters, "_ENGINES", {"here": lambda cluster: nullcontext(Here())})
    return Cluster("here", "here")


def test_a_lost_task_costs_no_other(here: Cluster) -> None:
    found = list(
        as_done(negative, [(number,) for number in range(8)], here, died=lambda number: 100 + number)
    )
    assert sorted(found) == [-7, -6, -5, -4, -2, -1, 0, 103]


def test_it_is_an_error_where_nobody_has_an_answer_for_it(here: Cluster) -> None:
    with pytest.raises(SslToolboxError, match="died"):
        list(as_done(negative, [(3,)], here))
