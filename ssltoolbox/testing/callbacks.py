"""Rules for callbacks."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ssltoolbox.api.errors import first_line
from ssltoolbox.testing.compare import same, seed_globally
from ssltoolbox.testing.loggers import STEPS, make, setting_for
from ssltoolbox.testing.material import rows
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule


@rule("it is a Lightning callback")
def is_callback(subject: Subject) -> None:
    if not isinstance(make(subject), pl.Callback):
        raise Breach(f"derive `{subject.name}` from `pytorch_lightning.Callback`")


@rule("it works in a run of two steps")
def works(subject: Subject) -> None:
    with TemporaryDirectory() as folder:
        _run(subject, Path(folder))


@rule("its state can be saved and loaded")
def state_is_plain(subject: Subject) -> None:
    with TemporaryDirectory() as folder:
        made, file = _run(subject, Path(folder)), io.BytesIO()
        torch.save(made.state_dict(), file)
        file.seek(0)
        try:
            state = torch.load(file, weights_only=True)
            subject.make(setting_for(Path(folder))).load_state_dict(state)
        except Exception as error:
            raise Breach(
                f"the state of `{subject.name}` can't be saved and loaded: {first_line(error)}; `state_dict()` "
                "must return tensors and plain values, and `load_state_dict` must accept them"
            ) from error


@rule("it uses no global random numbers")
def draws_nothing(subject: Subject) -> Iterator[Complaint]:
    with TemporaryDirectory() as folder:
        with_it, without = (_generators_after(subject, Path(folder), used) for used in (True, False))
    for name, state in without.items():
        if not same(state, with_it[name]):
            yield Complaint(
                name,
                f"`{subject.name}` uses the global random generator of {name}, so a run with it has other "
                "weights: use a generator of your own",
            )


RULES = (is_callback, works, state_is_plain, draws_nothing)


class _Method(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Linear(4, 4)


class _Module(pl.LightningModule):
    """A training module whose step has the same outputs as the engine's."""

    def __init__(self) -> None:
        super().__init__()
        self.method = _Method()

    def training_step(self, batch: list[Tensor], index: int) -> dict[str, Any]:
        embeddings = self.method.backbone(batch[0])
        loss = embeddings.square().mean()
        self.log("loss", loss)
        known = rows(len(embeddings) // 2, 0, torch.zeros(len(embeddings), 0))
        return {
            "loss": loss,
            "embeddings": embeddings.detach(),
            "pairs": None,
            "rows": known,
            "counts": {"frames_read": len(embeddings)},
        }

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _generators_after(subject: Subject, folder: Path, used: bool) -> dict[str, Any]:
    """The states of the global generators after a run with or without the callback."""
    seed_globally(0)
    _run(subject, folder, used)
    return {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(legacy=False)["state"]["key"],
        "random": np.array(random.getstate()[1]),
    }


def _run(subject: Subject, folder: Path, used: bool = True) -> Any:
    """The callback after two steps on the CPU; with `used` False the steps are made without it."""
    made = subject.make(setting_for(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_steps=STEPS,
            callbacks=[made] if used else [],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        trainer.fit(_Module(), DataLoader(TensorDataset(torch.ones(16, 4)), batch_size=8))
    return made
