"""All measurements that have a target on a GPU, one after the other, within a quarter of an hour.

The four most important ones come first: a step without strategies, a step with all four, a whole training,
and the cost of each stage of a step, with loading. If a script fails or takes too long, the others still run.
The results so far are written after each script.

    python benchmarks/on_a_gpu.py --minutes 14 --out gpu.json
    python benchmarks/on_a_gpu.py --only losses --out gpu.json
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from side_by_side import machine, parser

from ssltoolbox.support.files import write_json

FOLDER = Path(__file__).parent
NETWORK = ("backbone={name: resnet50}", "data.size=112", "views.size=112", "trainer.batch_size=256")
LARGE = [argument for setting in NETWORK for argument in ("--set", setting)]


@dataclass(frozen=True)
class Measurement:
    """A script with its arguments.

    Attributes:
        name: for `--only` and the results.
        command: of the script.
        minutes: the most that it may take.
    """

    name: str
    command: Sequence[str]
    minutes: float


MEASUREMENTS = (
    Measurement("step", ("training_step.py", "--steps", "30", *LARGE), 2.5),
    Measurement("strategies", ("training_step.py", "--strategies", "--steps", "30", *LARGE), 2.5),
    Measurement("training", ("whole_training.py", "--net", "resnet18", "--workers", "auto"), 3),
    Measurement("stages", ("scaling.py", "--batch", "256", "--size", "112", "--hard", "1"), 3),
    Measurement("losses", ("masked_loss.py",), 1),
    Measurement("probe", ("linear_probe.py", "--alone", "--sizes", "288000x2048"), 2),
    Measurement("FaceSwap", ("face_swap.py",), 1),
    Measurement("pipeline", ("pipeline.py",), 1.5),
)


def measured(measurement: Measurement, more: Sequence[str], seconds: float) -> dict[str, Any]:
    """What the script wrote, or `failed`: why there is nothing."""
    script, *arguments = measurement.command
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, str(FOLDER / script), *arguments, *more, "--out", str(out)]
        try:
            done = subprocess.run(
                command, stderr=subprocess.PIPE, text=True, timeout=min(seconds, 60 * measurement.minutes)
            )
        except subprocess.TimeoutExpired as error:
            return {"failed": f"not finished after {error.timeout:.0f} s"}
        if done.returncode:
            return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return found


def main() -> None:
    """Runs the scripts while there is time."""
    options = parser(__doc__)
    options.add_argument("--minutes", type=float, default=14.0, help="time for all measurements")
    options.add_argument("--only", nargs="+", help="names of measurements [all]")
    options.add_argument("--more", nargs="+", default=[], help="arguments of each script, without --")
    options.set_defaults(repeats=3)
    arguments = options.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    more = [f"--repeats={arguments.repeats}", *(f"--{each}" for each in arguments.more)]
    results: dict[str, Any] = {}
    for measurement in MEASUREMENTS:
        if arguments.only and measurement.name not in arguments.only:
            continue
        left = end - time.monotonic()
        result = measured(measurement, more, left) if left > 0 else {"failed": "no time was left"}
        results[measurement.name] = result
        if "failed" in result:
            print(f"{measurement.name}: {result['failed']}", flush=True)
        if arguments.out:
            write_json(arguments.out, {**machine(), "measurements": results})
    sys.exit(any("failed" in result for result in results.values()))


if __name__ == "__main__":
    main()
