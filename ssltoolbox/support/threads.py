"""How the threads of torch wait for each other. Nothing here imports torch, which reads it when it is imported."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
"""Threads that spin for long while they wait take the cores of those that they wait for: on a machine that others
use too, training falls to a fraction of its speed. GNU's library, which torch has on Linux, spins 1,000 times
before it sleeps: waits between two kernels are shorter than that. benchmarks/RESULTS.md has the numbers."""
SPINNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables by which a user says how threads wait."""


def sleep_while_waiting(env: MutableMapping[str, str] | None = None) -> None:
    """Has the threads of this process, and of those that it starts, sleep where they wait for long.

    What the user has set stays.

    Args:
        env: the environment variables; those of this process if not given.

    >>> env = {}
    >>> sleep_while_waiting(env); env
    {'OMP_WAIT_POLICY': 'PASSIVE', 'GOMP_SPINCOUNT': '1000'}
    >>> env = {"OMP_WAIT_POLICY": "ACTIVE"}
    >>> sleep_while_waiting(env); env
    {'OMP_WAIT_POLICY': 'ACTIVE'}
    """
    env = os.environ if env is None else env
    if not any(name in env for name in SPINNING):
        env.update(WAITING)
