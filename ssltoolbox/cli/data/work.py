"""Options that say where a command works: on how many cores, on which cluster, on which share of the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ssltoolbox.cli.common import WORKERS

if TYPE_CHECKING:
    from ssltoolbox.support.clusters import Cluster
    from ssltoolbox.support.shard import Shard

LOCAL = "local"


def _engine(context: click.Context, parameter: click.Parameter, text: str) -> Cluster | None:
    from ssltoolbox.support.clusters import Cluster

    return None if text == LOCAL else Cluster.parse(text)


def _shard(context: click.Context, parameter: click.Parameter, text: str | None) -> Shard | None:
    from ssltoolbox.support.shard import Shard

    return None if text is None else Shard.parse(text)


_ENGINE = click.option(
    "--engine",
    default=LOCAL,
    show_default=True,
    callback=_engine,
    metavar="ENGINE",
    help="Where to work: local, or a cluster as dask:ADDRESS or ray:ADDRESS.",
)
_SHARD = click.option(
    "--shard",
    callback=_shard,
    metavar="I/N",
    help="Do only part I of N, as one task of an array job does; then run the command without --shard to finish.",
)


def work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--workers` and `--engine`, which give the command `workers`, and `--shard`.

    Raises:
        UsageError: for a number of processes on a cluster, which has its own.
    """

    @wraps(command)
    def run(*, workers: int | None, engine: Cluster | None, **options: Any) -> Any:
        from ssltoolbox.support.workers import cores

        if engine and workers:
            raise click.UsageError(
                "--workers is for --engine local: a cluster has the processes that it was started with"
            )
        return command(workers=engine or workers or cores(), **options)

    return WORKERS(_ENGINE(_SHARD(run)))


def after_shard(shard: Shard | None) -> str:
    """What to do when a shard is done."""
    return f"shard {shard} is done; when all shards are, run the same command without --shard to finish"
