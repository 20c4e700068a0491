"""How the threads of torch wait for each other. Nothing here imports torch, which reads it when it is imported."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that spin while they wait take the cores of those that they wait for: on a machine that others use too,
training falls to a fraction of its speed. benchmarks/RESULTS.md has the numbers."""
SPINNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables by which a user says how threads wait."""


def wait_without_spinning(env: MutableMapping[str, str] | None = None) -> None:
    """Has the threads of this process, and of those that it starts, sleep while they wait.

    What the user has set stays.

    Args:
        env: the environment variables; those of this process if not given.

    >>> env = {}
    >>> wait_without_spinning(env); env
    {'OMP_WAIT_POLICY': 'PASSIVE'}
    >>> env = {"GOMP_SPINCOUNT": "1000"}
    >>> wait_without_spinning(env); env
    {'GOMP_SPINCOUNT': '1000'}
    """
    env = os.environ if env is None else env
    if not any(name in env for name in SPINNING):
        env.update(WAITING)
