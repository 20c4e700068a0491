"""Maskers that learn: from each micro-batch, before what saves; a resumed run goes on as if it had not stopped."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.runs import WITH_METHOD, run_tiny, write_recipe

from ssltoolbox.api import Method, SslToolboxError, StepOutput
from ssltoolbox.engine.training.module import TrainingModule
from ssltoolbox.methods.simclr import SimCLR

LEARNS = """
    import torch
    import torch.nn.functional as F
    from torch import nn

    from ssltoolbox.api import Descriptor, MaskerAnswer, NegativeMasker, Options, hookimpl


    class Learns(NegativeMasker[Options], nn.Module):
        needs_similarity = True
        attract = 0.5

        def __init__(self, options):
            super().__init__(options)
            self.register_buffer("mean", torch.tensor(0.0))
            self.register_buffer("updates", torch.tensor(0))

        def answer(self, comparison):
            masked = comparison.eligible & (comparison.similarity > self.mean)
            return MaskerAnswer(masked, weights=(comparison.similarity - self.mean).exp())

        def update(self, rows, embeddings):
            side_a, side_b = F.normalize(embeddings).chunk(2)
            self.mean.lerp_((side_a @ side_b.T).mean(), 0.1)
            self.updates += 1


    @hookimpl
    def ssltoolbox_negative_maskers():
        yield Descriptor(
            name="learns", summary="Masks what is more alike than most.", target=f"{__name__}:Learns", api=2
        )
"""


def recipe_of(folder: Path, method: str) -> Path:
    (folder / "learns.py").write_text(textwrap.dedent(LEARNS))
    strategies = "positives: [time_aug]\nmaskers: [learns]\nplugins: {files: [./learns.py]}\n"
    return write_recipe(
        folder, (WITH_METHOD["simclr"], WITH_METHOD[method]), ("positives: [time_aug]\n", strategies)
    )


def learned(checkpoint: Path) -> dict[str, torch.Tensor]:
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    return {name.rpartition(".")[2]: value for name, value in state.items() if name.startswith("helpers.")}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["simclr", "mocov2"])
def test_a_resumed_run_has_learned_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    recipe = recipe_of(tmp_path, method)
    whole = run_tiny(recipe, tmp_path / "whole").folder
    out = tmp_path / "stopped"

    class Stopped(Exception):
        pass

    def stop(self: TrainingModule, micro_batch: Any, index: int) -> Any:
        if self.global_step == 4:
            raise Stopped
        return step(self, micro_batch, index)

    step = TrainingModule.training_step
    with monkeypatch.context() as patched:
        patched.setattr(TrainingModule, "training_step", stop)
        with pytest.raises(Stopped):
            run_tiny(recipe, out)
    assert learned(out / "checkpoints" / "last.ckpt")["updates"] == 4
    resumed = run_tiny(recipe, out, resume=True).folder
    states = [torch.load(folder.checkpoint, weights_only=True)["state_dict"] for folder in (whole, resumed)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert learned(whole.checkpoint)["updates"] == 6
    assert learned(whole.checkpoint)["mean"] != 0


def test_every_micro_batch_is_learned_from(tmp_path: Path) -> None:
    run = run_tiny(recipe_of(tmp_path, "simclr"), tmp_path / "run", "trainer.accumulate=2")
    assert learned(run.folder.checkpoint)["updates"] == 12


def test_a_masker_that_learns_needs_a_method_with_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SimCLR.step

    def silent(self: Method, *arguments: Any) -> StepOutput:
        output = step(self, *arguments)
        return type(output)(output.loss, output.terms)

    monkeypatch.setattr(SimCLR, "step", silent)
    with pytest.raises(SslToolboxError, match=r"'learns'.*embeddings"):
        run_tiny(recipe_of(tmp_path, "simclr"), tmp_path / "run")
