"""The engine's step, strategies off, against the same step hand-written with lightly and plain PyTorch.

Both start from the same weights and see the same batches, which lie in memory; the two are timed in turn, in one
process, and the ratio of the medians is what counts.

    python benchmarks/training_step.py --steps 40 --repeats 5 --json step.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import pytorch_lightning as pl
import torch
from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead
from torch.utils.data import DataLoader

from ssltoolbox.api import Batch
from ssltoolbox.engine.build import Parts
from ssltoolbox.engine.module import TrainingModule
from ssltoolbox.engine.optim import build_optimiser
from ssltoolbox.engine.quiet import quiet_lightning
from ssltoolbox.losses import MaskerUnion
from ssltoolbox.plan import load_plan

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
BATCHES = 4


def engine_seconds(parts: Parts, batches: list[Batch], steps: int) -> float:
    """Seconds of `steps` steps by Lightning's Trainer and the engine's module."""
    plan = parts.plan
    module = TrainingModule(
        method=parts.method(distributed=False),
        view=parts.view,
        generators=(),
        maskers=MaskerUnion(),
        optim=plan.recipe.optim,
        lr_factor=lambda step: 1.0,
        seed=0,
        accumulate=1,
        steps_per_epoch=BATCHES,
        failure_path=Path("failure.json"),
    )
    timer = StepTimer()
    loader = DataLoader([batches[step % BATCHES] for step in range(steps)], batch_size=None)
    with quiet_lightning():
        trainer = pl.Trainer(
            max_steps=steps,
            logger=False,
            callbacks=[timer],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(module, loader)
    return timer.seconds


class StepTimer(pl.Callback):
    """Seconds from the start of the second step to the end of the last."""

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        """The first step warms up."""
        if trainer.global_step == 1:
            self.start = time.perf_counter()

    def on_train_end(self, *_: object) -> None:
        """Stops the clock."""
        self.seconds = time.perf_counter() - self.start


def plain_seconds(parts: Parts, batches: list[Batch], steps: int) -> float:
    """The same by hand: lightly's loss and head, a loop, the same views and optimiser."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    method = parts.method(distributed=False)
    options = parts.plan.method.options
    backbone = method.backbone
    head = SimCLRProjectionHead(
        method.projection.layers[0].in_features, options.hidden_dim, options.output_dim
    )
    model = torch.nn.ModuleList([backbone, head]).to(device, memory_format=torch.channels_last).train()
    criterion = NTXentLoss(options.temperature)
    optimiser = build_optimiser(model, parts.plan.recipe.optim)
    start = 0.0
    for step in range(steps):
        if step == 1:
            start = time.perf_counter()
        batch = batches[step % BATCHES].to(device)
        torch.manual_seed(step)
        with torch.no_grad():
            views = [
                parts.view.augment(frames, batch.landmarks[:, 0], side).contiguous(
                    memory_format=torch.channels_last
                )
                for frames, side in ((batch.frames[:, 0], "a"), (batch.frames[:, 1], "b"))
            ]
        embedded_a, embedded_b = (head(backbone(view)) for view in views)
        loss = criterion(embedded_a, embedded_b)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Times both, in turn, and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    plan = load_plan(RECIPE, ["positives=[]", "maskers=[]"])
    draws = plan.counts.draws
    made = Parts(plan).batches
    batches = [made.__getitems__([(0, i * draws + j) for j in range(draws)]) for i in range(BATCHES)]
    runs = [
        run(Parts(plan), batches, arguments.steps)
        for _ in range(arguments.repeats)
        for run in (engine_seconds, plain_seconds)
    ]
    ours, theirs = statistics.median(runs[0::2]), statistics.median(runs[1::2])
    result = {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "steps": arguments.steps,
        "engine_seconds": runs[0::2],
        "plain_seconds": runs[1::2],
        "ratio": ours / theirs,
    }
    per_step = 1000 / (arguments.steps - 1)
    print(
        f"engine {ours * per_step:.1f} ms a step, by hand {theirs * per_step:.1f} ms, ratio {ours / theirs:.3f}"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
