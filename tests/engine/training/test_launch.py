"""The processes that a launcher started against those that a recipe asks for, and how they begin together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from typing import Any, cast

import pytest

from ssltoolbox.api import UserError
from ssltoolbox.engine.training import launch, rendezvous
from ssltoolbox.engine.training.launch import RUN_FOLDER, World, launcher_of, started_world, world_of
from ssltoolbox.recipe import Trainer

TORCHRUN = {"TORCHELASTIC_RUN_ID": "1", "TORCHELASTIC_USE_AGENT_STORE": "True", "MASTER_PORT": "29500"}


def torchrun(rank: int, size: int, per_node: int) -> dict[str, str]:
    numbers = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank % per_node, "LOCAL_WORLD_SIZE": per_node}
    return TORCHRUN | {name: str(number) for name, number in numbers.items()}


def slurm(rank: int, tasks: int, nodes: int = 1, **more: str) -> dict[str, str]:
    numbers = {"SLURM_PROCID": rank, "SLURM_NTASKS": tasks, "SLURM_NNODES": nodes, "SLURM_JOB_ID": 80041234}
    numbers["SLURM_LOCALID"] = rank % (tasks // nodes)
    return {name: str(number) for name, number in numbers.items()} | more


def world(env: Mapping[str, str], devices: Any = "auto", nodes: int = 1, gpus: int = 0) -> World:
    return world_of(Trainer(steps=1, batch_size=8, devices=devices, nodes=nodes), gpus, env)


def ranks(found: World) -> tuple[int, int, int, int]:
    return found.devices, found.nodes, found.rank, found.local_rank


@pytest.mark.parametrize(
    ("env", "devices", "nodes", "expected"),
    [
        ({}, "auto", 1, (1, 1, 0, 0)),
        ({}, 2, 1, (2, 1, 0, 0)),
        ({"LOCAL_RANK": "1", RUN_FOLDER: "run"}, 2, 1, (2, 1, 1, 1)),
        (torchrun(1, 2, 2), "auto", 1, (2, 1, 1, 1)),
        (torchrun(1, 2, 2), 2, 1, (2, 1, 1, 1)),
        (torchrun(3, 4, 2), "auto", 2, (2, 2, 3, 1)),
        (slurm(1, 2), 2, 1, (2, 1, 1, 1)),
        (slurm(5, 8, 2), "auto", 2, (4, 2, 5, 1)),
        (slurm(1, 2) | torchrun(0, 4, 4), "auto", 1, (4, 1, 0, 0)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, "auto", 2, (1, 2, 1, 0)),
        ({"NODE_RANK": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, 2, 2, (2, 2, 2, 0)),
        (
            {"NODE_RANK": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1", "LOCAL_RANK": "1", RUN_FOLDER: "run"},
            2,
            2,
            (2, 2, 3, 1),
        ),
    ],
)
def test_ranks_follow_the_launcher(
    env: Mapping[str, str], devices: Any, nodes: int, expected: tuple[int, ...]
) -> None:
    assert ranks(world(env, devices, nodes)) == expected


@pytest.mark.parametrize(
    ("env", "devices", "nodes", "facts"),
    [
        (slurm(0, 1), 2, 1, ("SLURM", "1 process", "trainer.devices 2", "--ntasks-per-node")),
        (slurm(0, 2), 1, 1, ("SLURM", "2 processes", "set trainer.devices to 2")),
        (slurm(0, 3, 2), "auto", 2, ("3 processes",)),
        (torchrun(1, 2, 2), 1, 1, ("torchrun", "2 processes", "--nproc-per-node")),
        (torchrun(2, 4, 2), "auto", 1, ("trainer.nodes to 2",)),
        ({"RANK": "0", "WORLD_SIZE": "2"}, 1, 1, ("2 processes",)),
        ({}, 1, 2, ("trainer.nodes is 2", "NODE_RANK")),
        ({"NODE_RANK": "1"}, 1, 2, ("MASTER_ADDR", "MASTER_PORT")),
        ({"NODE_RANK": "1"}, 1, 1, ("NODE_RANK is 1", "trainer.nodes")),
        ({"LOCAL_RANK": "1"}, 2, 1, ("LOCAL_RANK",)),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, 1, 1, ("mpirun", "2 processes", "torchrun")),
    ],
)
def test_another_number_of_processes_is_refused(
    env: Mapping[str, str], devices: Any, nodes: int, facts: tuple[str, ...]
) -> None:
    with pytest.raises(UserError) as caught:
        world(env, devices, nodes)
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (torchrun(1, 2, 2), (2, 1, 1, 1)),
        (torchrun(3, 4, 2), (2, 2, 3, 1)),
        (slurm(5, 8, 2), (4, 2, 5, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, (2, 1, 1, 1)),
    ],
)
def test_an_evaluation_takes_as_many_processes_as_there_are(
    env: Mapping[str, str], expected: tuple[int, int, int, int]
) -> None:
    found = started_world(0, env)
    assert found is not None
    assert ranks(found) == expected


def test_an_evaluation_without_a_launcher_has_one_process() -> None:
    assert started_world(8, {"NODE_RANK": "1"}) is None


@pytest.mark.parametrize(
    ("env", "gpus", "message"),
    [
        (torchrun(2, 4, 3), 0, "4 processes, of which 3 on this node"),
        (torchrun(1, 2, 2), 1, "2 processes on this node for 1 GPU"),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, 0, "mpirun has started 2 processes"),
    ],
)
def test_processes_that_cannot_evaluate_are_refused(env: Mapping[str, str], gpus: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        started_world(gpus, env)


@pytest.mark.parametrize("env", [{}, torchrun(0, 4, 4)])
def test_more_processes_than_gpus_are_refused(env: Mapping[str, str]) -> None:
    with pytest.raises(UserError, match=r"4 processes.* 2 GPUs"):
        world(env, devices=4, gpus=2)


@pytest.mark.parametrize(
    "env",
    [
        slurm(0, 2, SLURM_JOB_NAME="bash"),
        slurm(0, 2, SLURM_TASK_PID="17"),
        {"SLURM_NTASKS": "2"},
    ],
    ids=["interactive", "a batch script without srun", "salloc"],
)
def test_slurm_started_one_process_alone(env: Mapping[str, str]) -> None:
    assert launcher_of(env) is None
    assert world(env, devices=2) == World(devices=2)


def test_slurm_s_tasks_meet_on_the_first_node() -> None:
    found = launcher_of(slurm(3, 4, 2, SLURM_JOB_NODELIST="gpu[07-08]"))
    assert found is not None
    assert (found.address, found.port) == ("gpu07", 16234)


@pytest.mark.parametrize(
    ("env", "first"),
    [
        ({}, True),
        ({"LOCAL_RANK": "1", RUN_FOLDER: "run"}, False),
        ({"NODE_RANK": "1"}, False),
        (torchrun(1, 2, 2), False),
        (slurm(1, 2), False),
        (slurm(0, 2) | {"LOCAL_RANK": "1"}, True),
    ],
)
def test_the_first_process_is_known_by_the_launcher_s_variables(
    env: Mapping[str, str], first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(env))
    assert launch.is_first_process() is first


SCENE = """
import os, sys
from pathlib import Path
from ssltoolbox.api import UserError
from ssltoolbox.engine.training import rendezvous
from ssltoolbox.engine.training.launch import world_of
from ssltoolbox.engine.training.rendezvous import Rendezvous
from ssltoolbox.recipe import Trainer

rendezvous.affinity = lambda: {cores}
world = world_of(Trainer(steps=1, batch_size=8, nodes={nodes}), gpus=0)
with Rendezvous(world) as rendezvous:
    {happens}
    if world.rank:
        start = rendezvous.join()
    else:
        rendezvous.await_others()
        {then}
        start = rendezvous.begin(Path("folder"), trains=True, evaluates=False)
    print(start.folder, start.sharing, os.environ["MASTER_PORT"])
"""
BY_RANK = [{"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"} for rank in (0, 1)]
BY_NODE = [{"NODE_RANK": str(rank)} for rank in (0, 1)]


def played(
    environments: list[dict[str, str]],
    nodes: int = 1,
    happens: str = "pass",
    then: str = "pass",
    cores: str = "{0, 1}",
) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of two processes."""
    script = textwrap.dedent(SCENE).format(nodes=nodes, happens=happens, then=then, cores=cores)
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(rendezvous._free_port())}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **meeting, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in environments
    ]
    try:
        texts = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(("environments", "nodes"), [(BY_RANK, 1), (BY_NODE, 2)], ids=["ranks", "nodes"])
def test_all_processes_begin_with_one_folder(environments: list[dict[str, str]], nodes: int) -> None:
    first, second = played(environments, nodes)
    assert first[0] == second[0] == 0, (first, second)
    assert first[1] == second[1]
    assert first[1].split()[:2] == ["folder", "2"]


@pytest.mark.slow
def test_bound_processes_do_not_share_cores() -> None:
    found = played(BY_RANK, cores="{2 * int(os.environ['RANK']), 2 * int(os.environ['RANK']) + 1}")
    assert [text.split()[1] for _, text, _ in found] == ["1", "1"]


@pytest.mark.slow
def test_all_processes_end_when_the_first_refuses() -> None:
    first, second = played(BY_RANK, then="raise UserError('the folder is not empty')")
    assert "the folder is not empty" in first[2]
    assert (second[0], second[2]) == (2, "")


@pytest.mark.slow
def test_all_processes_end_when_another_fails() -> None:
    fails = "if world.rank: raise ValueError('no such package')"
    first, second = played(BY_RANK, happens=fails)
    assert first[0] == second[0] == 1
    assert re.search(r"process 1 .*: no such package", first[2])
    assert cast(str, second[2]).rstrip().endswith("no such package")
