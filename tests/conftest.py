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


LOCAL_CLUSTER = """
import sys
import dask
from distributed import LocalCluster

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None, silence_logs=50) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="session")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two processes on this machine, where a task whose process dies is not tried again by itself."""
    pytest.importorskip("distributed")
    script = tmp_path_factory.mktemp("dask") / "local_cluster.py"
    script.write_text(LOCAL_CLUSTER)
    path = os.pathsep.join([str(HERE.parent), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Cluster("dask", process.stdout.readline().strip())
        process.communicate()
