"""Which process this is, before Lightning has set anything up."""

from __future__ import annotations

import os

RANK_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Set by torchrun, by Lightning for the processes that it starts, and by SLURM."""


def is_first_process() -> bool:
    """True in the process that writes the run folder.

    >>> is_first_process()
    True
    """
    rank = next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), "0")
    return int(rank) == 0
