"""Which processes make up a run: who started them, and how many there are.

Importing this module never imports torch: the command line asks early which process it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ssltoolbox.api import UserError
from ssltoolbox.support.words import counted

if TYPE_CHECKING:
    from ssltoolbox.recipe import Trainer

RUN_FOLDER = "SSLTOOLBOX_OUT"
"""Set for the processes that `Children` starts: the folder of their run."""
INTERACTIVE_JOBS = ("bash", "interactive")
"""Names of SLURM jobs in which a user types commands, as Lightning has them."""
UNSUPPORTED = {"mpirun": "OMPI_COMM_WORLD_SIZE", "mpiexec": "PMI_SIZE", "jsrun": "JSM_NAMESPACE_SIZE"}


@dataclass(frozen=True)
class Launcher:
    """A program that has started all processes of the run, as its environment variables describe it.

    Attributes:
        name: such as "torchrun".
        size: processes on all nodes.
        per_node: processes on each node; None if not known.
        rank: of this process.
        local_rank: of this process among those of its node; None if not known.
        address, port: of the rendezvous.
        has_store: True if the launcher itself serves a store at that address.
        option: its option for the number of processes on a node.
    """

    name: str
    size: int
    per_node: int | None
    rank: int
    local_rank: int | None
    address: str
    port: int
    option: str
    has_store: bool = False


@dataclass(frozen=True)
class World:
    """The processes of a run, and the rank of this process.

    Attributes:
        devices: processes on each node.
        nodes: machines.
        rank: of this process among all.
        local_rank: of this process on its node.
        launcher: the program that started them; None if `Children` starts the others on each node.
    """

    devices: int = 1
    nodes: int = 1
    rank: int = 0
    local_rank: int = 0
    launcher: Launcher | None = None

    @property
    def size(self) -> int:
        """The number of processes."""
        return self.devices * self.nodes

    def facts(self) -> dict[str, Any]:
        """The entry in `environment.json`."""
        return {
            "processes": self.size,
            "devices": self.devices,
            "nodes": self.nodes,
            "launcher": self.launcher.name if self.launcher else None,
        }


def launcher_of(env: Mapping[str, str]) -> Launcher | None:
    """The launcher that the environment variables describe; None without a launcher.

    torchrun is checked first, because it may run inside a SLURM job. Without srun, the script of a SLURM job is a
    single process, so SLURM is no launcher there.

    Raises:
        UserError: for several processes of a launcher that is not supported.
    """
    if "TORCHELASTIC_RUN_ID" in env:
        return _by_rank(
            "torchrun", "--nproc-per-node", env, env.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        )
    in_task = "SLURM_STEP_ID" in env or "SLURM_TASK_PID" not in env
    if {"SLURM_NTASKS", "SLURM_PROCID"} <= env.keys() and in_task:
        if env.get("SLURM_JOB_NAME") not in INTERACTIVE_JOBS:
            return _slurm(env)
    elif {"RANK", "WORLD_SIZE"} <= env.keys():
        return _by_rank("the launcher", "WORLD_SIZE", env)
    for name, variable in UNSUPPORTED.items():
        if int(env.get(variable, 1)) > 1:
            raise UserError(
                f"{name} has started {env[variable]} processes, which can't train together",
                "start them by torchrun or by srun",
            )
    return None


def _by_rank(name: str, option: str, env: Mapping[str, str], has_store: bool = False) -> Launcher:
    return Launcher(
        name,
        size=int(env["WORLD_SIZE"]),
        per_node=_number(env, "LOCAL_WORLD_SIZE"),
        rank=int(env["RANK"]),
        local_rank=_number(env, "LOCAL_RANK"),
        address=env.get("MASTER_ADDR", "127.0.0.1"),
        port=int(env.get("MASTER_PORT", 29500)),
        option=option,
        has_store=has_store,
    )


def _slurm(env: Mapping[str, str]) -> Launcher:
    from pytorch_lightning.plugins.environments import SLURMEnvironment  # type: ignore[attr-defined]

    size, nodes = int(env["SLURM_NTASKS"]), int(env.get("SLURM_NNODES", 1))
    hosts = next((env[name] for name in ("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST") if name in env), "")
    # The last four digits of the job's number, as Lightning does it: every process knows them.
    port = 15000 + int(env.get("SLURM_JOB_ID", "0")[-4:])
    return Launcher(
        "SLURM",
        size,
        per_node=size // nodes if size % nodes == 0 else None,
        rank=int(env["SLURM_PROCID"]),
        local_rank=_number(env, "SLURM_LOCALID"),
        address=env.get("MASTER_ADDR")
        or (SLURMEnvironment.resolve_root_node_address(hosts) if hosts else "127.0.0.1"),
        port=int(env.get("MASTER_PORT", port)),
        option="--ntasks-per-node",
    )


def _number(env: Mapping[str, str], name: str) -> int | None:
    return int(env[name]) if name in env else None


def world_of(trainer: Trainer, gpus: int, env: Mapping[str, str] | None = None) -> World:
    """The processes of a run, as the recipe says and as they were started.

    Args:
        trainer: the recipe's `devices` and `nodes`.
        gpus: the number of GPUs that this process sees.
        env: the environment variables; those of this process if not given.

    Raises:
        UserError: when another number of processes was started than the recipe asks for.
    """
    env = os.environ if env is None else env
    launcher = launcher_of(env)
    if launcher is None:
        return _own_world(trainer.devices, trainer.nodes, gpus, env)
    per_node = launcher.per_node or launcher.size // trainer.nodes
    devices = per_node if trainer.devices == "auto" else trainer.devices
    if devices * trainer.nodes != launcher.size or devices != per_node:
        raise UserError(
            f"{launcher.name} has started {counted(launcher.size, 'process')}, {per_node} on each node; "
            f"the recipe asks for {devices * trainer.nodes}: "
            f"trainer.devices {trainer.devices} × trainer.nodes {trainer.nodes}",
            f"set trainer.devices to {per_node} and trainer.nodes to {launcher.size // per_node}, "
            f"or change {launcher.option}",
        )
    _refuse_too_many(devices, gpus)
    return _world_by(launcher, devices)


def started_world(gpus: int, env: Mapping[str, str] | None = None) -> World | None:
    """The processes that a launcher has started, whatever their number; None without a launcher.

    Args:
        gpus: the number of GPUs that this process sees.
        env: the environment variables; those of this process if not given.

    Raises:
        UserError: when nodes have different numbers of processes, or more processes than GPUs.
    """
    launcher = launcher_of(os.environ if env is None else env)
    if launcher is None:
        return None
    per_node = launcher.per_node or launcher.size
    if launcher.size % per_node:
        raise UserError(
            f"{launcher.name} has started {counted(launcher.size, 'process')}, of which {per_node} on this node",
            f"start the same number on each node, by {launcher.option}",
        )
    if gpus and per_node > gpus:
        raise UserError(
            f"{launcher.name} has started {counted(per_node, 'process')} on this node for "
            f"{counted(gpus, 'GPU')} that this one sees",
            f"change {launcher.option}, or let each process see all GPUs of its node",
        )
    return _world_by(launcher, per_node)


def _world_by(launcher: Launcher, devices: int) -> World:
    local_rank = launcher.rank % devices if launcher.local_rank is None else launcher.local_rank
    return World(devices, launcher.size // devices, launcher.rank, local_rank, launcher)


def _own_world(requested: int | Literal["auto"], nodes: int, gpus: int, env: Mapping[str, str]) -> World:
    """The processes without a launcher: `Children` starts one for each further device of a node."""
    devices = max(1, gpus) if requested == "auto" else requested
    _refuse_too_many(devices, gpus)
    node = int(env.get("NODE_RANK", 0))
    local_rank = int(env.get("LOCAL_RANK", 0))
    if local_rank and RUN_FOLDER not in env:
        raise UserError(
            f"LOCAL_RANK is {local_rank}, and nothing says how many processes there are",
            "start the run by srun or by torchrun, or unset LOCAL_RANK",
        )
    if nodes > 1 and not {"NODE_RANK", "MASTER_ADDR", "MASTER_PORT"} <= env.keys():
        raise UserError(
            f"trainer.nodes is {nodes}, and nothing says which node this is",
            "start the run by srun, by torchrun, or on each node with NODE_RANK, MASTER_ADDR and MASTER_PORT",
        )
    if node >= nodes:
        raise UserError(
            f"NODE_RANK is {node}: there are more nodes than trainer.nodes, which is {nodes}",
            "set trainer.nodes to the number of nodes",
        )
    return World(devices, nodes, node * devices + local_rank, local_rank)


def _refuse_too_many(devices: int, gpus: int) -> None:
    if gpus and devices > gpus:
        raise UserError(
            f"there are {devices} processes on each node for {counted(gpus, 'GPU')} that this one sees",
            "lower trainer.devices, or let each process see all GPUs of its node",
        )


def is_first_process() -> bool:
    """True in the process that writes the run folder and prints.

    >>> is_first_process()
    True
    """
    launcher = launcher_of(os.environ)
    if launcher:
        return launcher.rank == 0
    local_rank = os.environ.get("LOCAL_RANK", "0") if RUN_FOLDER in os.environ else "0"
    return local_rank == "0" and os.environ.get("NODE_RANK", "0") == "0"
