"""The start-up time of commands that run nothing: wall and CPU time of new processes. None of them imports torch.

python benchmarks/startup.py --repeats 10 --out startup.json
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from side_by_side import Row, in_turn, medians, parser, report

RECIPE = str(Path(__file__).parents[1] / "recipes" / "quickstart.yaml")
COMMANDS = {
    "--help": (["--help"], 0.5),
    "check": (["check", RECIPE], 1.0),
    "plugins list": (["plugins", "list"], 1.0),
}
"""Arguments, and the most seconds."""
LOOK_FOR_TORCH = """
import atexit, os, sys
atexit.register(lambda: os._exit(9 if "torch" in sys.modules else 0))
sys.argv[1:] = {arguments!r}
from ssltoolbox.cli import main
main()
"""


def wall_seconds(arguments: list[str]) -> float:
    """From the start of a process to its end."""
    start = time.perf_counter()
    _run("-m", "ssltoolbox", *arguments)
    return time.perf_counter() - start


def cpu_seconds(arguments: list[str]) -> float:
    """What the process works, user and system, however long it waits for a core."""
    before = os.times()
    _run("-m", "ssltoolbox", *arguments)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def refuse_torch(arguments: list[str]) -> None:
    """Ends the benchmark where a command imports torch."""
    code = LOOK_FOR_TORCH.format(arguments=arguments)
    if subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(f"ssltoolbox {' '.join(arguments)} fails, or imports torch")


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Runs the commands in turn; medians are compared with the targets."""
    arguments = parser(__doc__).parse_args()
    rows, turns = [], {}
    for arguments_of_command, _ in COMMANDS.values():
        refuse_torch(arguments_of_command)
    for unit, seconds in (("s", wall_seconds), ("CPU s", cpu_seconds)):
        works = {name: partial(seconds, given) for name, (given, _) in COMMANDS.items()}
        turns[unit] = in_turn(works, arguments.repeats)
        found = medians(turns[unit])
        rows += [Row(name, found[name], None, unit, at_most=most) for name, (_, most) in COMMANDS.items()]
    report("Commands that only look; none imports torch", rows, arguments.out, seconds=turns)


if __name__ == "__main__":
    main()
