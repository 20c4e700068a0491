"""The earlier trainings of a script.

A process that is started for a later training of a script runs the script from its beginning. There, the earlier
trainings have ended, and are skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.engine.training.launch import World

EARLIER = "SSLTOOLBOX_EARLIER"
"""Set for such a process: the folders of the earlier trainings as a JSON list; null for one that has failed."""

_ended: list[str | None] = []


def earlier_trainings() -> dict[str, str]:
    """The environment variable for processes that are started now."""
    return {EARLIER: json.dumps(_ended)}


def remember(folder: Path | None) -> None:
    """Notes that a training has ended in this process; without a folder, that it has failed."""
    _ended.append(None if folder is None else str(folder.absolute()))


def skipped() -> Path | None:
    """The folder of the training that would begin now, if it is an earlier one.

    Raises:
        SslToolboxError: where that training has failed.
    """
    earlier: list[str | None] = json.loads(os.environ.get(EARLIER, "[]"))
    if len(_ended) >= len(earlier):
        return None
    folder = earlier[len(_ended)]
    _ended.append(folder)
    if folder is None:
        raise SslToolboxError("this training has failed in the first process, which says why")
    return Path(folder)


def refuse_second(world: World) -> None:
    """
    Raises:
        UserError: where the processes of a training would be those that have ended with an earlier one.
    """
    if _ended and world.size > 1 and (world.launcher or world.nodes > 1):
        raise UserError(
            "a training has ended in this process, and the other processes have ended with it",
            "start each training on several nodes, or by a launcher, with a command of its own",
        )
