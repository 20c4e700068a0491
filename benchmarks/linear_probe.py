"""The linear probe, compared with scikit-learn's logistic regression: time, memory and the loss that each reaches.

Both standardise the same features and fit the six regularisers from strong to weak, each from the solution of
the one before. The features are those of a random ReLU network on latent numbers of overlapping classes, with
deviations that fall as k^-1.25. Then the eigenvalues of their covariance fall as those of a ResNet-18's
features of face images do. The more the eigenvalues differ, the more steps scikit-learn takes.

    python benchmarks/linear_probe.py --threads 2 --json
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from side_by_side import Row, clock, in_a_fresh_process, parser, peak_bytes, report
from threadpoolctl import threadpool_limits

from ssltoolbox.tasks.linear import fit_logistic
from ssltoolbox.tasks.probes import REGULARISERS

CLASSES = 7
LATENT = 256
Solution = tuple[np.ndarray, np.ndarray]
"""Weight [D, C] and bias [C] on the features as they are."""


def main() -> None:
    """Prints a row for each size, and with `--json` a line of JSON for each instead."""
    options = parser(__doc__)
    options.set_defaults(repeats=3)
    options.add_argument(
        "--sizes", nargs="*", default=["12271x512", "28709x512"], help="samples x dimensions"
    )
    options.add_argument(
        "--alone", action="store_true", help="without scikit-learn, for sizes for which it takes hours"
    )
    options.add_argument("--json", action="store_true", help="a line of JSON for each size, and no table")
    arguments = options.parse_args()
    rows, lines = [], []
    for size in arguments.sizes:
        samples, dimensions = map(int, size.split("x"))
        line = compared(samples, dimensions, arguments.repeats, arguments.threads, arguments.alone)
        lines.append(line)
        if arguments.json:
            print(json.dumps(line), flush=True)
        rows.append(Row(f"{size}: time", line["seconds"], line.get("scikit_learn_seconds"), "s", at_most=0.1))
        copies = line["peak_mib"] / line["features_mib"]
        rows.append(Row(f"{size}: memory beside the features", copies, None, "copies of them", at_most=2))
    if not arguments.json or arguments.out:
        report("The linear probe beside scikit-learn's", rows, arguments.out, lines=lines)


def compared(
    samples: int, dimensions: int, repeats: int, threads: int, alone: bool
) -> dict[str, int | float]:
    """Medians of turns, the speedup, and by how much our loss is above scikit-learn's at the worst regulariser."""
    size = (samples, dimensions, threads)
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(in_a_fresh_process(measure, fitted, *size))
        if not alone:
            theirs.append(in_a_fresh_process(measure, fitted_by_scikit_learn, *size))
    line = {
        "samples": samples,
        "dimensions": dimensions,
        "threads": threads,
        "seconds": median(seconds for seconds, _, _ in ours),
        "peak_mib": max(peak for _, peak, _ in ours) / 2**20,
        "features_mib": samples * dimensions * 4 / 2**20,
    }
    if theirs:
        line["scikit_learn_seconds"] = median(seconds for seconds, _, _ in theirs)
        line["speedup"] = line["scikit_learn_seconds"] / line["seconds"]
        line["loss_difference"] = max(np.subtract(ours[0][2], theirs[0][2]).tolist())
    return line


def measure(
    fit: Callable[[np.ndarray, np.ndarray, np.ndarray], list[Solution]],
    samples: int,
    dimensions: int,
    threads: int,
) -> tuple[float, float, list[float]]:
    """Seconds, bytes at the peak beyond the features, and the loss at each regulariser."""
    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        values, targets = features(samples, dimensions)
        weights = (samples / (CLASSES * np.bincount(targets)))[targets]
        warm = slice(None, 500)
        fit(values[warm], np.arange(500) % CLASSES, np.ones(500))
        peak_bytes()
        now = clock(threads)
        before, start = resident_bytes(), now()
        solutions = fit(values, targets, weights)
        seconds = now() - start
        peak = peak_bytes() - before
        losses = [
            loss(values, targets, weights, solution, regulariser)
            for regulariser, solution in zip(REGULARISERS, solutions, strict=True)
        ]
    return seconds, peak, losses


def fitted(values: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> list[Solution]:
    """By the toolbox."""
    return [(model.weight, model.bias) for model in fit_logistic(values, targets, weights, REGULARISERS)]


def fitted_by_scikit_learn(values: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> list[Solution]:
    """By scikit-learn, in float64, to the tolerance that it has by itself."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    standard = scaler.fit_transform(values.astype(np.float64))
    model = LogisticRegression(max_iter=2000, warm_start=True)
    solutions = []
    for regulariser in REGULARISERS:
        model.set_params(C=1 / (regulariser * len(values))).fit(standard, targets, weights)
        raw = model.coef_.T / scaler.scale_[:, None]
        solutions.append((raw, model.intercept_ - scaler.mean_ @ raw))
    return solutions


def loss(
    values: np.ndarray, targets: np.ndarray, weights: np.ndarray, solution: Solution, regulariser: float
) -> float:
    """The weighted mean cross-entropy and the penalty on standardised features, in float64."""
    weight, bias = solution
    total = 0.0
    for start in range(0, len(values), 4096):
        part = slice(start, start + 4096)
        logits = values[part].astype(np.float64) @ weight + bias
        logits -= logits.max(axis=1, keepdims=True)
        right = np.take_along_axis(logits, targets[part, None], axis=1)[:, 0]
        total += float(((np.log(np.exp(logits).sum(axis=1)) - right) * weights[part]).sum())
    scale = np.sqrt([values[:, d].astype(np.float64).var() for d in range(values.shape[1])])
    return total / len(values) + regulariser / 2 * float(np.square(weight * scale[:, None]).sum())


def features(samples: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [samples, dimensions] float32 and unbalanced classes [samples]."""
    rng = np.random.default_rng(0)
    shares = np.arange(CLASSES, 0, -1) / (CLASSES * (CLASSES + 1) / 2)
    targets = rng.choice(CLASSES, samples, p=shares)
    deviations = np.arange(1, LATENT + 1) ** -1.25
    centres = 0.15 * rng.standard_normal((CLASSES, LATENT))
    layers = [
        rng.standard_normal((into, dimensions), np.float32) * np.float32(np.sqrt(2 / into))
        for into in (LATENT, dimensions)
    ]
    values = np.empty((samples, dimensions), np.float32)
    for start in range(0, samples, 4096):
        part = slice(start, start + 4096)
        latent = centres[targets[part]] + rng.standard_normal((len(targets[part]), LATENT))
        hidden = (latent * deviations).astype(np.float32)
        for layer in layers:
            hidden = np.maximum(hidden @ layer, 0)
        values[part] = hidden
    return values, targets


def resident_bytes() -> int:
    """What this process holds: on a GPU by torch's allocator, which begins at none."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    with open("/proc/self/statm") as file:
        return 4096 * int(file.read().split()[1])


if __name__ == "__main__":
    main()
