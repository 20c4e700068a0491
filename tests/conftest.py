"""Fixtures of all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.golden import GoldenTexts

from ssltoolbox.support.clusters import Cluster

HERE = Path(__file__).parent


@pytest.fixture
def golden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GoldenTexts:
    """Compares texts with those in `tests/golden/wording`; `--update-golden` writes them anew."""
    module = request.path.relative_to(HERE)
    update: bool = request.config.getoption("update_golden")
    name = request.node.nodeid.partition("::")[2]
    return GoldenTexts(module, name, tmp_path_factory.getbasetemp(), update)


LOCAL_DASK = """
import sys
import dask
from distributed import LocalCluster

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None, silence_logs=50) as cluster:
        print("at", cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
LOCAL_RAY = """
import logging
import sys
import tempfile
import ray

with tempfile.TemporaryDirectory(prefix="ray") as folder:
    few = {"num_cpus": 2, "object_store_memory": 10**8, "include_dashboard": False}
    ray.init(**few, _temp_dir=folder, logging_level=logging.ERROR, log_to_driver=False)
    print("at", ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
    ray.shutdown()
"""


@pytest.fixture(scope="session")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two processes on this machine, where a task whose process dies is not tried again by itself."""
    pytest.importorskip("distributed")
    yield from _started("dask", LOCAL_DASK, tmp_path_factory)


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A ray cluster of two cores on this machine."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        # Otherwise a cluster may ask for a token, which a user gives by RAY_AUTH_TOKEN.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        # A busy machine takes longer than ray's 30 seconds.
        patch.setenv("RAY_raylet_start_wait_time_s", "300")
        yield from _started("ray", LOCAL_RAY, tmp_path_factory)


@pytest.fixture(params=["dask", "ray"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A cluster of each engine that is installed."""
    started: Cluster = request.getfixturevalue(request.param)
    return started


def _started(engine: str, code: str, folders: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Starts a cluster by a script that writes its address, and ends when its input does."""
    script = folders.mktemp(engine) / "local_cluster.py"
    script.write_text(code)
    path = os.pathsep.join([str(HERE.parent), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = next((line[3:].strip() for line in process.stdout if line.startswith("at ")), "")
        assert address, f"{engine} did not start"
        yield Cluster(engine, address)
        process.communicate()
