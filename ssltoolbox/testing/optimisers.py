"""Rules for optimisers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ssltoolbox.api import OptimiserSetting
from ssltoolbox.api.errors import first_line
from ssltoolbox.testing.compare import seed_globally
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule

STEPS = 60
RATES = (10.0, 1.0, 0.1, 0.01, 0.001)


def setting_for(subject: Subject, lr: float = 0.01) -> OptimiserSetting:
    """The setting of an optimiser in a recipe with default values."""
    return OptimiserSetting(name=subject.trial_name, lr=lr, weight_decay=1e-4)


def groups_of(model: nn.Module) -> list[dict[str, Any]]:
    """The model's parameters as the engine gives them: a group with weight decay and one without."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 1e-4},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


@rule("it lowers a small loss")
def lowers_loss(subject: Subject) -> None:
    ends = {lr: _Training(subject, lr).run(STEPS) for lr in RATES}
    if not any(after < 0.8 * before for before, after in ends.values()):
        told = ", ".join(f"{before:.3g} → {after:.3g} at lr {lr:g}" for lr, (before, after) in ends.items())
        raise Breach(
            f"`{subject.name}` does not lower a regression's loss in {STEPS} steps: {told}; does `step` use "
            "`group['lr']` and change `parameter` in place?"
        )


@rule("it uses the learning rate of each group")
def follows_rate(subject: Subject) -> None:
    trial = _Training(subject, 0.01)
    trial.run(1)
    for group in trial.optimiser.param_groups:
        group["lr"] = 0.0
    before = trial.weights()
    trial.run(1)
    if (moved := _largest_move(before, trial.weights())) > 1e-7:
        raise Breach(
            f"`{subject.name}` changes weights by {moved:g} although `group['lr']` is 0: schedules change "
            "`group['lr']`, so read it in every step"
        )


@rule("it uses the weight decay of each group")
def follows_decay(subject: Subject) -> None:
    trial = _Training(subject, 0.01)
    for group in trial.optimiser.param_groups:
        group["weight_decay"] = 0.0
    before = trial.weights()
    for parameter in trial.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    trial.optimiser.step()
    if (moved := _largest_move(before, trial.weights())) > 1e-7:
        raise Breach(
            f"`{subject.name}` changes weights by {moved:g} although `group['weight_decay']` and all gradients "
            "are 0: biases and norms are in such a group, so read the weight decay from the group, not from "
            "`setting`"
        )


@rule("it uses no random numbers")
def draws_nothing(subject: Subject) -> None:
    trial = _Training(subject, 0.01)
    before = torch.get_rng_state()
    trial.run(2)
    if not torch.equal(before, torch.get_rng_state()):
        raise Breach(
            f"`{subject.name}.step` uses torch's global random generator, so the processes of a run would "
            "differ: use a `torch.Generator` with a fixed seed, and keep its state in `state_dict()`"
        )


@rule("a closure is called")
def calls_closure(subject: Subject) -> None:
    trial = _Training(subject, 0.01)
    called: list[Tensor] = []

    def closure() -> Tensor:
        trial.optimiser.zero_grad()
        loss = trial.loss()
        loss.backward()
        called.append(loss)
        return loss

    trial.optimiser.step(closure)
    if not called:
        raise Breach(
            f"`{subject.name}.step(closure)` does not call the closure, which computes the gradients: call it "
            "under `torch.enable_grad()` and return its loss"
        )


@rule("the saved state is complete")
def resumes(subject: Subject) -> Iterator[Complaint]:
    first = _Training(subject, 0.01)
    first.run(3)
    file = io.BytesIO()
    torch.save(first.optimiser.state_dict(), file)
    file.seek(0)
    try:
        state = torch.load(file, weights_only=True)
    except Exception as error:
        raise Breach(
            f"the state of `{subject.name}` can't be read back: {first_line(error)}; keep tensors and plain values"
        ) from error
    second = _Training(subject, 0.01)
    second.model.load_state_dict(first.model.state_dict())
    second.optimiser.load_state_dict(state)
    for trial in (first, second):
        seed_globally(3)
        trial.run(3)
    if any(not torch.equal(a, b) for a, b in zip(first.weights(), second.weights(), strict=True)):
        yield Complaint(
            "state",
            f"`{subject.name}` continues differently from a loaded state: keep all state that changes between "
            "steps in `self.state[parameter]` or the groups, not in attributes",
        )


def make(subject: Subject) -> Any:
    """The optimiser of a small model."""
    return subject.make(groups_of(nn.Linear(4, 4)), setting_for(subject))


RULES = (lowers_loss, follows_rate, follows_decay, draws_nothing, calls_closure, resumes)


def _largest_move(before: list[Tensor], after: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True))


class _Training:
    """A linear regression with an optimiser of its own."""

    def __init__(self, subject: Subject, lr: float) -> None:
        generator = torch.Generator().manual_seed(0)
        seed_globally(0)
        self.model = nn.Linear(6, 4)
        self.inputs = torch.randn(32, 6, generator=generator)
        self.targets = self.inputs @ torch.randn(6, 4, generator=generator)
        self.optimiser = subject.make(groups_of(self.model), setting_for(subject, lr))

    def loss(self) -> Tensor:
        return nn.functional.mse_loss(self.model(self.inputs), self.targets)

    def weights(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.model.parameters()]

    def run(self, steps: int) -> tuple[float, float]:
        """The loss before and after `steps` steps."""
        before = self.loss().item()
        for _ in range(steps):
            self.optimiser.zero_grad()
            self.loss().backward()
            self.optimiser.step()
        return before, self.loss().item()
