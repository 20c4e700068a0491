"""The supervised ceiling: plain cross-entropy on the labelled frames of side A."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from helpers.golden import Golden
from helpers.methods import rows_for, tiny_context
from helpers.recipes import write_recipe
from helpers.runs import run_tiny
from helpers.runs import write_recipe as write_tiny
from torch import Tensor

from ssltoolbox.api import Rows, StepInputs
from ssltoolbox.methods.plugin import SupervisedOptions
from ssltoolbox.methods.supervised import Supervised
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError


def made() -> Supervised:
    return Supervised(SupervisedOptions(), tiny_context())


def rows_with(labels: Tensor) -> Rows:
    """Side B's labels are what must not be looked at."""
    return replace(rows_for(len(labels)), labels={"expression": torch.cat([labels, labels.flip(0)])})


def test_the_loss_is_the_cross_entropy_of_the_labelled_rows_of_side_a(
    views: list[tuple[Tensor, Tensor]],
) -> None:
    method, (view_a, view_b) = made(), views[0]
    labels = torch.tensor([0, -1, 3, 7, -1, 2, 2, 5])
    output = method.step(StepInputs(view_a, view_b, rows_with(labels)))
    logits = method.classifier(method.backbone(view_a))
    known = labels >= 0
    torch.testing.assert_close(output.loss, F.cross_entropy(logits[known], labels[known]))
    right = (logits.argmax(1) == labels)[known].float().mean()
    torch.testing.assert_close(output.terms["train_accuracy"], right)
    assert output.terms["labelled_share"] == 6 / 8
    assert output.embeddings.shape == (8, 8)


def test_without_a_label_there_is_nothing_to_learn(views: list[tuple[Tensor, Tensor]]) -> None:
    method, (view_a, view_b) = made(), views[0]
    output = method.step(StepInputs(view_a, view_b, rows_with(torch.full((8,), -1))))
    output.loss.backward()
    assert output.loss == 0
    assert all((p.grad == 0).all() for p in method.parameters())


def test_labels_can_be_learned(views: list[tuple[Tensor, Tensor]]) -> None:
    method, (view_a, view_b) = made(), views[0]
    labels = torch.arange(8)
    optimiser = torch.optim.Adam(method.parameters(), 0.05)
    for _ in range(200):
        optimiser.zero_grad()
        method.step(StepInputs(view_a, view_b, rows_with(labels))).loss.backward()
        optimiser.step()
    assert method.step(StepInputs(view_a, view_b, rows_with(labels))).terms["train_accuracy"] == 1


def test_a_supervised_run_trains_and_evaluates(tmp_path: Path) -> None:
    recipe = write_tiny(
        tmp_path,
        ("{name: simclr, hidden_dim: 16, output_dim: 8}", "supervised"),
        ("positives: [time_aug]\n", ""),
    )
    run = run_tiny(recipe, tmp_path / "run")
    header = run.folder.metrics.read_text().splitlines()[0].split(",")
    assert {"loss", "train_accuracy", "labelled_share"} <= set(header)
    assert run.folder.backbone.exists()


@pytest.mark.parametrize(
    ("section", "component", "place"),
    [
        ("positives", "time_aug", "6:13"),
        ("negatives", "hard_neg", "7:13"),
        ("maskers", "mask_fn", "8:11"),
    ],
)
def test_strategies_can_not_act(
    tmp_path: Path, section: str, component: str, place: str, golden: Golden
) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path, method="supervised", **{section: f"[{component}]"}))
    (problem,) = caught.value.problems
    assert f"{problem.place.line}:{problem.place.column}" == place
    golden(problem.message)
    golden(problem.hint)


def test_data_without_labels_is_refused(tmp_path: Path, golden: Golden) -> None:
    for identity in "ab":
        for clip in range(8):
            folder = tmp_path / "faces" / identity / "video" / str(clip)
            folder.mkdir(parents=True)
            (folder / "1.jpg").touch()
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path, method="supervised", data="{name: frames, root: faces}"))
    (problem,) = caught.value.problems
    golden(problem.message)
