"""Which processes make up a run: who started them, how many there are, and how they begin together.

Nothing here imports torch before it is needed: the command line asks first which process it is.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.support.workers import affinity

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]

    from ssltoolbox.recipe import Trainer

RUN_FOLDER = "SSLTOOLBOX_OUT"
"""Set for the processes that Lightning starts: the folder of their run."""
SET_WHILE_TRAINING = (RUN_FOLDER, "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")
INTERACTIVE_JOBS = ("bash", "interactive")
"""Names of SLURM jobs in which a user types commands, as Lightning has them."""
UNSUPPORTED = {"mpirun": "OMPI_COMM_WORLD_SIZE", "mpiexec": "PMI_SIZE", "jsrun": "JSM_NAMESPACE_SIZE"}
MOST_SECONDS_TO_COME = 600.0
"""How long the processes of a run wait for each other before it begins."""
MOST_SECONDS_TO_HEAR = 60.0
"""How long the first process stays to tell the others that the run does not begin."""


@dataclass(frozen=True)
class Launcher:
    """A program that has started all processes of the run, by what it tells each of them.

    Attributes:
        name: such as "torchrun".
        size: processes on all nodes.
        per_node: processes on each node; None where it does not say.
        rank: of this process.
        local_rank: of this process among those of its node; None where it does not say.
        address, port: where the processes meet.
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
    """The processes of a run, and which of them this is.

    Attributes:
        devices: processes on each node.
        nodes: machines.
        rank: of this process among all.
        local_rank: of this process on its node.
        launcher: the program that started them; None where Lightning starts the others on each node.
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
        """What `environment.json` records."""
        return {
            "processes": self.size,
            "devices": self.devices,
            "nodes": self.nodes,
            "launcher": self.launcher.name if self.launcher else None,
        }


def launcher_of(env: Mapping[str, str]) -> Launcher | None:
    """The launcher that the environment variables tell of, if there is one.

    torchrun comes first, because it may run inside a SLURM job. In the script of a SLURM job that was not started
    by srun, SLURM is no launcher: there is one process, whatever the number of tasks.

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
    """The processes of a run: as the recipe says, where that is what was started.

    Args:
        trainer: the recipe's `devices` and `nodes`.
        gpus: that this process sees.
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
            f"{launcher.name} has started {launcher.size} processes, {per_node} on each node; "
            f"the recipe asks for {devices * trainer.nodes}: "
            f"trainer.devices {trainer.devices} × trainer.nodes {trainer.nodes}",
            f"set trainer.devices to {per_node} and trainer.nodes to {launcher.size // per_node}, "
            f"or change {launcher.option}",
        )
    _refuse_too_many(devices, gpus)
    local_rank = launcher.rank % devices if launcher.local_rank is None else launcher.local_rank
    return World(devices, trainer.nodes, launcher.rank, local_rank, launcher)


def _own_world(wanted: int | Literal["auto"], nodes: int, gpus: int, env: Mapping[str, str]) -> World:
    """Where Lightning starts a process for each device but the first, on every node."""
    devices = max(1, gpus) if wanted == "auto" else wanted
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
            f"there are {devices} processes on each node for {gpus} GPUs that this one sees",
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


@dataclass(frozen=True)
class Start:
    """What the processes of a run agree on before it begins.

    Attributes:
        folder: the run folder.
        trains: False where nothing is left to train.
        sharing: how many of the processes use the cores that this one may use, itself among them.
    """

    folder: Path
    trains: bool
    sharing: int


class Rendezvous:
    """Lets all processes of a run begin together, or none of them.

    The first process calls `await_others`, and `begin` when it has claimed the run folder; the others call `join`.
    A process that leaves with an exception before that takes the others with it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        # Of those that Lightning starts, only the first one on each node is here.
        started = world.launcher
        self._index = world.rank if started else world.rank // world.devices
        self._members = world.size if started else world.nodes
        self._is_child = RUN_FOLDER in os.environ and not started
        self._homes = [_home()]
        self._stopped: set[int] = set()
        self._before = {name: os.environ.get(name) for name in SET_WHILE_TRAINING}
        self._begun = False
        self._board: Store | None = None

    def __enter__(self) -> Self:
        if not self._is_child and not self.world.launcher:
            os.environ.pop("LOCAL_RANK", None)  # or Lightning would leave it to others to start processes
        if self._members > 1 and not self._is_child:
            self._board = _board(self.world, host=self._index == 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None and not self._begun:
                self._give_up(error)
        finally:
            for name, value in self._before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def await_others(self) -> None:
        """Has the first process wait until all others are there.

        Raises:
            SslToolboxError: when another process has stopped, or does not come.
        """
        if self._board is None:
            return
        for member in range(1, self._members):
            answer = self._hear(f"ready {member}", f"process {member} of {self._members}")
            if "stopped" in answer:
                self._stopped.add(member)
                raise SslToolboxError(f"process {member} has stopped: {answer['stopped']}")
            self._homes.append(answer["home"])

    def begin(self, folder: Path, trains: bool) -> Start:
        """The first process's word to the others that the run begins."""
        if self._board is not None:
            port = self._meet_at(_free_port())
            self._tell("begin", {"folder": str(folder), "trains": trains, "homes": self._homes, "port": port})
        self._begun = True
        return self._started(str(folder), trains, self._homes)

    def join(self) -> Start:
        """What the first process has said, once it has.

        Raises:
            SystemExit: with the exit code of the first process, where the run does not begin.
        """
        if self._board is None:
            return self._started(os.environ[RUN_FOLDER], True, self._homes)
        self._tell(f"ready {self._index}", {"home": self._homes[0]})
        word = self._hear("begin", "the first process")
        self._begun = True
        self._tell(f"heard {self._index}", {})
        if "exit" in word:
            raise SystemExit(word["exit"])
        self._meet_at(word["port"])
        return self._started(word["folder"], word["trains"], word["homes"])

    def _meet_at(self, port: int) -> int:
        """Has torch's process group use this port: the one that was given serves this rendezvous."""
        if not (self.world.launcher and self.world.launcher.has_store):
            os.environ["MASTER_PORT"] = str(port)
        return port

    def _started(self, folder: str, trains: bool, homes: Sequence[Sequence[Any]]) -> Start:
        os.environ[RUN_FOLDER] = folder
        return Start(Path(folder), trains, self._sharing(homes))

    def _sharing(self, homes: Sequence[Sequence[Any]]) -> int:
        host, cores = self._homes[0]
        here = sum(host == other and not set(cores).isdisjoint(theirs) for other, theirs in homes)
        return here if self.world.launcher else here * self.world.devices

    def _give_up(self, error: BaseException) -> None:
        """Tells the others that this process ends."""
        if self._board is None:
            return
        if self._index > 0:
            self._tell(f"ready {self._index}", {"stopped": first_line(error)})
            return
        code = 2 if isinstance(error, UserError) else 130 if isinstance(error, KeyboardInterrupt) else 1
        self._tell("begin", {"exit": code})
        until = time.monotonic() + MOST_SECONDS_TO_HEAR
        heard = [f"heard {member}" for member in range(1, self._members) if member not in self._stopped]
        while not self._board.check(heard) and time.monotonic() < until:
            time.sleep(0.05)

    def _tell(self, key: str, value: Mapping[str, Any]) -> None:
        assert self._board is not None
        self._board.set(key, json.dumps(value))

    def _hear(self, key: str, who: str) -> dict[str, Any]:
        """Looks now and then, so that a signal is answered while it waits."""
        assert self._board is not None
        until = time.monotonic() + MOST_SECONDS_TO_COME
        while not self._board.check([key]):
            if time.monotonic() > until:
                raise SslToolboxError(f"{who} has not come within {MOST_SECONDS_TO_COME / 60:.0f} minutes")
            time.sleep(0.05)
        heard: dict[str, Any] = json.loads(self._board.get(key))
        return heard


_runs = count()


def _board(world: World, host: bool) -> Store:
    """A store of keys and values for the run that begins now.

    Raises:
        SslToolboxError: when the first process can't be reached.
    """
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    started = world.launcher
    address = started.address if started else os.environ["MASTER_ADDR"]
    port = started.port if started else int(os.environ["MASTER_PORT"])
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = _store(address, port, host and not (started and started.has_store))
    return PrefixStore(f"ssltoolbox {attempt} {next(_runs)}", store)


@cache
def _store(address: str, port: int, host: bool) -> Store:
    """Kept while the process lives: those that come late must find it."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    until = time.monotonic() + MOST_SECONDS_TO_COME
    while True:
        try:
            # Short tries: no signal is answered while it waits.
            return TCPStore(
                address, port, is_master=host, wait_for_workers=False, timeout=timedelta(seconds=5)
            )
        except (RuntimeError, OSError) as error:
            if host or time.monotonic() > until:
                raise SslToolboxError(
                    f"the processes of the run can't meet at {address}:{port}: {first_line(error)}"
                ) from error


def _home() -> list[Any]:
    """The machine of this process, and the cores that it may use."""
    return [socket.gethostname(), sorted(affinity())]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        port: int = found.getsockname()[1]
    return port
