"""The engine's training step, compared with the same step written by hand with lightly and plain PyTorch.

In the first comparison, there are no strategies. Both sides start from the same weights and use the same
batches in memory. `--strategies` compares a step with all four strategies with a step without any, for the
same number of images. `--compile` compares steps with and without `trainer.compile`, both without strategies;
it also prints the wall time of the first step, with empty caches. Each peak memory is measured in a separate
process, and is what the training adds.

    python benchmarks/training_step.py --steps 40 --repeats 5 --out step.json
    python benchmarks/training_step.py --compile --steps 12
    python benchmarks/training_step.py --strategies
    python benchmarks/training_step.py --strategies --set 'backbone={name: resnet18}' --set data.size=112 \\
        --set views.size=112 --set trainer.batch_size=16
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytorch_lightning as pl
import torch
from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead
from side_by_side import Row, clock, in_a_fresh_process, in_turn, medians, parser, peak_bytes, report
from torch.utils.data import DataLoader

from ssltoolbox.api import Batch
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import Drawn
from ssltoolbox.engine.training.optim import build_optimiser, maker
from ssltoolbox.engine.training.trainer import build_module
from ssltoolbox.models.lightning import quiet_lightning
from ssltoolbox.plan import load_plan

RECIPES = Path(__file__).parents[1] / "recipes"
OFF = ("positives=[]", "negatives=[]", "maskers=[]")
BATCHES = 4

Train = Callable[[Components, list[Batch], int, int], float]
"""Seconds of the steps after the first one, by `clock`: parts, batches, steps, threads."""


class StepTimer(pl.Callback):
    """Seconds from the start of the second step to the end of the last."""

    def __init__(self, threads: int) -> None:
        self.now = clock(threads)
        self.start = self.now()

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        """The first step warms up."""
        if trainer.global_step == 1:
            self.start = self.now()

    def on_train_end(self, *_: object) -> None:
        """Stops the clock."""
        self.seconds = self.now() - self.start


def by_engine(components: Components, batches: list[Batch], steps: int, threads: int) -> float:
    """By Lightning's Trainer and the engine's module."""
    if components.plan.recipe.trainer.compile:
        torch.compiler.reset()  # after eight networks of one form torch stops compiling
    timer = StepTimer(threads)
    drawn = [Drawn(Position(step), batches[step % BATCHES]) for step in range(steps)]
    loader = DataLoader(drawn, batch_size=None, collate_fn=lambda micro_batch: micro_batch)
    with quiet_lightning():
        trainer = pl.Trainer(
            devices=1,
            max_steps=steps,
            logger=False,
            callbacks=[timer],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(build_module(components, False, Path("failure.json")), loader)
    return timer.seconds


def by_hand(components: Components, batches: list[Batch], steps: int, threads: int) -> float:
    """The same by hand: lightly's loss and head, a loop, the same views and optimiser."""
    now = clock(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    method = components.method(distributed=False)
    options = components.plan.method.options
    backbone = method.backbone
    head = SimCLRProjectionHead(
        method.projection.layers[0].in_features, options.hidden_dim, options.output_dim
    )
    model = torch.nn.ModuleList([backbone, head]).to(device, memory_format=torch.channels_last).train()
    criterion = NTXentLoss(options.temperature)
    optimiser = build_optimiser(model, components.plan.recipe.optim, maker(components.plan.optimiser))
    start = 0.0
    for step in range(steps):
        if step == 1:
            start = now()
        batch = batches[step % BATCHES].to(device)
        torch.manual_seed(step)
        with torch.no_grad():
            views = [
                components.view.augment(frames, batch.landmarks[:, 0], side).contiguous(
                    memory_format=torch.channels_last
                )
                for frames, side in ((batch.frames[:, 0], "a"), (batch.frames[:, 1], "b"))
            ]
        embedded_a, embedded_b = (head(backbone(view)) for view in views)
        loss = criterion(embedded_a, embedded_b)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return now() - start


def made(recipe: Path, settings: list[str]) -> tuple[Components, list[Batch]]:
    """The components of a recipe, and batches that lie in memory."""
    plan = load_plan(recipe, settings)
    draws, batches = plan.counts.draws, Components(plan).batches
    return Components(plan), [
        batches.__getitems__([(0, i * draws + j) for j in range(draws)]) for i in range(BATCHES)
    ]


def seconds_of(
    train: Train, recipe: Path, settings: list[str], steps: int, threads: int
) -> Callable[[], float]:
    """Milliseconds a step, each time from new weights."""
    components, batches = made(recipe, settings)
    return lambda: 1000 / (steps - 1) * train(Components(components.plan), batches, steps, threads)


def added_mebibytes(train: Train, recipe: Path, settings: list[str], threads: int) -> float:
    """What the first steps add to the peak of this process."""
    torch.set_num_threads(threads)
    components, batches = made(recipe, settings)
    peak_bytes()  # forgets what making the batches took
    before = peak_bytes()
    train(components, batches, 3, threads)
    return (peak_bytes() - before) / 2**20


def first_step_seconds(recipe: Path, settings: list[str], threads: int) -> float:
    """Of the first step on the wall, compiled anew where it is compiled."""
    torch.set_num_threads(threads)
    components, batches = made(recipe, settings)
    with TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        start = time.perf_counter()
        by_engine(components, batches, 1, threads)
        return time.perf_counter() - start


def main() -> None:
    """Times both sides in turn, measures their peaks, and prints the ratios."""
    options = parser(__doc__)
    options.add_argument("--steps", type=int, default=40)
    kind = options.add_mutually_exclusive_group()
    kind.add_argument("--strategies", action="store_true", help="compare all four strategies with none")
    kind.add_argument("--compile", action="store_true", help="compare a compiled step with a plain one")
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    settings, off = arguments.set, [*arguments.set, *OFF]
    if arguments.strategies:
        recipe = RECIPES / "synthetic" / "g.yaml"
        most = 1.15 if torch.cuda.is_available() else 1.35
        sides: dict[str, tuple[Train, list[str]]] = {
            "ours": (by_engine, settings),
            "beside": (by_engine, off),
        }
        title, target, memory_target = "Four strategies beside none", most, None
    elif arguments.compile:
        recipe = RECIPES / "quickstart.yaml"
        sides = {"ours": (by_engine, [*off, "trainer.compile=true"]), "beside": (by_engine, off)}
        title, target, memory_target = "A step that is compiled beside one that is not", None, None
    else:
        recipe = RECIPES / "quickstart.yaml"
        sides = {"ours": (by_engine, off), "beside": (by_hand, off)}
        title, target, memory_target = "A step of the engine beside one by hand", 1.03, 1.1
    works: dict[str, Callable[[], float]] = {
        name: seconds_of(train, recipe, of_side, arguments.steps, arguments.threads)
        for name, (train, of_side) in sides.items()
    }
    turns = in_turn(works, arguments.repeats)
    peaks = medians(
        in_turn(
            {
                name: partial(in_a_fresh_process, added_mebibytes, train, recipe, of_side, arguments.threads)
                for name, (train, of_side) in sides.items()
            },
            1,
        )
    )
    times = medians(turns)
    rows = [
        Row("a step", times["ours"], times["beside"], "ms", at_most=target),
        Row("peak memory", peaks["ours"], peaks["beside"], "MiB", at_most=memory_target),
    ]
    if arguments.compile:
        first = {
            name: in_a_fresh_process(first_step_seconds, recipe, of_side, arguments.threads)
            for name, (_, of_side) in sides.items()
        }
        rows.append(Row("the first step, on the wall", first["ours"], first["beside"], "s"))
    facts: dict[str, Any] = {"settings": settings, "steps": arguments.steps, "milliseconds": turns}
    report(title, rows, arguments.out, **facts)


if __name__ == "__main__":
    main()
