"""Training on a machine with other work, with threads that sleep while they wait and with threads that spin.

Each side is a process that trains for some seconds, once alone, and once next to a busy process of low
priority on each core. Nothing else may run.

    python benchmarks/shared_machine.py --out shared.json
    python benchmarks/shared_machine.py --wait GOMP_SPINCOUNT=1000 --out shared.json
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from side_by_side import Row, in_a_fresh_process, in_turn, medians, parser, report

from ssltoolbox.support.threads import SPINNING, WAITING
from ssltoolbox.support.workers import affinity

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
SETTINGS = ["backbone={name: resnet18}", "views.size=64", "data.size=64", "trainer.batch_size=32"]
"""Beside the quickstart's: a network for which torch has all cores."""
LEAST_SHARE, LEAST_IDLE = 0.45, 0.98
BUSY = "while True: pass"


def speed(settings: list[str], seconds: float) -> float:
    """Images a second of a training, in a process that has just begun."""
    from ssltoolbox.engine.training import measure
    from ssltoolbox.plan import load_plan

    measure.MOST_SECONDS = seconds
    cost = measure.measure(load_plan(RECIPE, settings))
    return cost.images / cost.seconds


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Niced processes that compute for ever, as another user's: each in a session of its own.

    Linux shares a core fairly between sessions; niceness counts inside a session alone.
    """
    command = ["nice", "-n", "19", sys.executable, "-c", BUSY]
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measured(setting: Mapping[str, str], others: int, arguments: Namespace) -> float:
    """The speed with these environment variables beside that many busy processes."""
    before = {name: os.environ.pop(name, None) for name in SPINNING}
    os.environ.update(setting)
    try:
        with busy(others):
            time.sleep(0.1)
            return in_a_fresh_process(speed, [*SETTINGS, *arguments.set], arguments.seconds)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def main() -> None:
    """Measures all in turn."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=10.0, help="time that each side trains")
    options.add_argument("--wait", metavar="NAME=VALUE", help="a setting instead of that of ssltoolbox")
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    ours = dict([arguments.wait.split("=", 1)]) if arguments.wait else WAITING
    cores = len(affinity())
    found = medians(
        in_turn(
            {
                f"{side} {where}": partial(measured, setting, others, arguments)
                for side, setting in (("ours", ours), ("spinning", {}))
                for where, others in (("alone", 0), ("beside", cores))
            },
            arguments.repeats,
        )
    )
    comparisons = (
        ("alone, compared with threads that spin", "ours alone", "spinning alone", LEAST_IDLE),
        ("beside busy processes, compared with alone", "ours beside", "ours alone", LEAST_SHARE),
        ("the same with threads that spin", "spinning beside", "spinning alone", None),
    )
    rows = [
        Row(what, found[one], found[other], "images/s", at_least=least)
        for what, one, other, least in comparisons
    ]
    report(f"Training beside {cores} niced busy processes", rows, arguments.out, setting=ours, found=found)


if __name__ == "__main__":
    main()
