"""What the numbers say of embeddings whose truth is known, and when a collapse is said aloud."""

from __future__ import annotations

import csv
import math
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from helpers.runs import WITH_METHOD, run_tiny, write_recipe
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from torch import nn

from ssltoolbox.api import Method, StepInputs, StepOutput
from ssltoolbox.engine.training.callbacks import diagnostics
from ssltoolbox.engine.training.callbacks.diagnostics import (
    COLLAPSED_LOGS,
    WatchFeatures,
    alignment,
    describe,
    effective_rank,
    feature_std,
    neighbour_agreement,
    neighbours_with_the_same_label,
    uniformity,
)
from ssltoolbox.methods.byol import BYOL

shapes = st.tuples(st.integers(2, 20), st.integers(1, 16), st.integers(0, 1000))


def embeddings(rows: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


def test_spread_embeddings_have_std_1_and_full_rank() -> None:
    spread = embeddings(2000, 64)
    assert float(feature_std(spread)) == pytest.approx(1, abs=0.01)
    assert float(effective_rank(spread)) == pytest.approx(64, rel=0.05)
    # Cosines of random directions have variance 1/64: log E exp(−4 + 4 cos) = −4 + 4²/(2·64).
    assert float(uniformity(spread)) == pytest.approx(-3.875, abs=0.01)
    assert float(alignment(spread, spread)) == 0
    assert float(alignment(spread, -spread)) == pytest.approx(4)


def test_equal_embeddings_have_std_0_and_rank_1() -> None:
    equal = embeddings(1, 64).repeat(32, 1)
    assert float(feature_std(equal)) == pytest.approx(0, abs=1e-5)
    assert float(effective_rank(equal)) == pytest.approx(1, abs=1e-3)
    assert float(uniformity(equal)) == pytest.approx(0, abs=1e-5)


def test_neighbour_agreement_leaves_out_the_own_clip() -> None:
    """Rows 0 and 1 are neighbours of one clip and don't count; row 4 has no label."""
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.01], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    labels, clips = torch.tensor([3, 3, 3, 5, -1]), torch.tensor([0, 0, 1, 2, 3])
    hits, chance = neighbour_agreement(rows, labels, clips)
    assert float(hits) == pytest.approx(3 / 4)
    assert float(chance) == pytest.approx((1 / 2 + 1 / 2 + 2 / 3 + 0) / 4)


def test_every_label_that_is_a_class_has_its_neighbours() -> None:
    """Two draws with a hard negative each, role-major: rows 0 and 1 are the anchors."""
    embeddings = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    labels = {
        "mood": torch.tensor([[1, 2, 0, 0], [1, 3, 0, 0]]),
        "none": torch.full((2, 4), -1),
        "age": torch.rand(2, 4),
        "units": torch.ones(2, 4, 3, dtype=torch.long),
    }
    batch = SimpleNamespace(hard_negatives=1, clip=torch.tensor([[0] * 4, [1] * 4]), labels=labels)
    numbers = neighbours_with_the_same_label(embeddings, batch)
    assert set(numbers) == {"neighbour_same_mood", "neighbour_chance_mood"}
    assert numbers["neighbour_same_mood"].item() == 0.5
    assert numbers["neighbour_chance_mood"].item() == 0.25


def test_no_neighbour_of_another_clip() -> None:
    hits, _ = neighbour_agreement(torch.eye(3), torch.tensor([1, 1, 1]), torch.tensor([0, 0, 0]))
    assert hits.isnan()


def test_a_collapse_onto_a_line_shows_in_the_rank_alone() -> None:
    line = embeddings(32, 1) * torch.ones(1, 64)
    assert float(effective_rank(line)) == pytest.approx(1, abs=1e-3)
    assert float(feature_std(line)) > 0.5


def test_diagnostics_equal_numbers_found_by_hand() -> None:
    right_angle = torch.tensor([[2.0, 0.0], [0.0, 0.5]])
    assert float(uniformity(right_angle)) == pytest.approx(-4)
    assert float(feature_std(right_angle)) == pytest.approx(1)
    assert float(alignment(right_angle, right_angle.flip(0))) == pytest.approx(2)
    shares = (0.8, 0.2)
    assert float(effective_rank(right_angle)) == pytest.approx(
        math.exp(-sum(share * math.log(share) for share in shares))
    )


@given(shapes, st.floats(0.01, 100))
def test_the_length_of_an_embedding_does_not_matter(shape: tuple[int, int, int], scale: float) -> None:
    rows, dim, seed = shape
    one, other = embeddings(rows, dim, seed), embeddings(rows, dim, seed + 1)
    before, after = describe(one, other), describe(one * scale, other * scale)
    for name, value in before.items():
        assert float(after[name]) == pytest.approx(float(value), rel=1e-3, abs=1e-4), name


@given(shapes)
def test_diagnostics_stay_within_their_bounds(shape: tuple[int, int, int]) -> None:
    rows, dim, seed = shape
    numbers = {
        k: float(v) for k, v in describe(embeddings(rows, dim, seed), embeddings(rows, dim, -seed)).items()
    }
    assert 0 <= numbers["feature_std"] <= math.sqrt(dim) * math.sqrt(2)
    assert 0 <= numbers["alignment"] <= 4.001
    assert -8.001 <= numbers["uniformity"] <= 0
    assert 0.999 <= numbers["effective_rank"] <= min(rows, dim) + 1e-3


def test_half_precision_and_no_pairs() -> None:
    numbers = describe(embeddings(16, 8).bfloat16(), None)
    assert sorted(numbers) == ["effective_rank", "feature_std", "uniformity"]
    assert all(value.dtype == torch.float32 for value in numbers.values())


class Feeder:
    """A trainer that logs every second step, and what the callback says and logs."""

    def __init__(self, watch: WatchFeatures | None = None) -> None:
        self.text = StringIO()
        self.watch = watch or WatchFeatures(Console(file=self.text, width=300))
        self.rows = []
        self.step = 0

    def step_with(self, tensor: torch.Tensor | None, times: int = 1) -> None:
        for _ in range(times):
            self.step += 1
            trainer = SimpleNamespace(
                accumulate_grad_batches=1, log_every_n_steps=2, global_step=self.step, is_global_zero=True
            )
            module = SimpleNamespace(log_dict=self.rows.append)
            outputs = {"embeddings": tensor, "pairs": tensor}
            micro_batch = SimpleNamespace(batch=SimpleNamespace(labels={}))
            self.watch.on_train_batch_end(trainer, module, outputs, micro_batch, self.step - 1)


COLLAPSED = torch.ones(8, 4) + 1e-3 * embeddings(8, 4)
LINE = (
    "the features have collapsed by step 10: all faces look nearly the same to the network "
    "(feature_std 0.00087; 1 is spread, 0 is collapsed)\n"
)


def test_a_collapse_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    feeder = Feeder()
    feeder.step_with(COLLAPSED, 2 * COLLAPSED_LOGS - 1)
    assert feeder.text.getvalue() == ""
    feeder.step_with(COLLAPSED, 50)
    assert feeder.text.getvalue() == LINE
    assert [record.message for record in caplog.records] == [LINE.strip()]
    assert len(feeder.rows) == 29


def test_a_narrow_moment_is_no_collapse() -> None:
    feeder = Feeder()
    for _ in range(5):
        feeder.step_with(COLLAPSED, 2 * (COLLAPSED_LOGS - 1))
        feeder.step_with(embeddings(8, 4), 2)
    assert feeder.text.getvalue() == ""


def test_a_resumed_run_counts_on_and_reports_a_collapse_once() -> None:
    first = Feeder()
    first.step_with(COLLAPSED, 8)
    second = Feeder()
    second.watch.load_state_dict(first.watch.state_dict())
    second.step_with(COLLAPSED, 2)
    assert "step 2:" in second.text.getvalue()
    third = Feeder()
    third.watch.load_state_dict(second.watch.state_dict())
    third.step_with(COLLAPSED, 50)
    assert third.text.getvalue() == ""


@pytest.mark.parametrize("tensor", [None, torch.ones(1, 4), torch.full((8, 4), math.nan)])
def test_outputs_without_embeddings_have_no_diagnostics(tensor: torch.Tensor | None) -> None:
    feeder = Feeder()
    feeder.step_with(tensor, 50)
    assert feeder.rows == []
    assert feeder.text.getvalue() == ""


@pytest.mark.parametrize("method", WITH_METHOD)
def test_every_method_is_watched(tmp_path: Path, method: str) -> None:
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    run = run_tiny(recipe, tmp_path / "run", "trainer.steps=4", "trainer.log_steps=2", "trainer.accumulate=2")
    with run.folder.metrics.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "4"]
    for row in rows:
        assert 0 < float(row["feature_std"]) < 2
        assert 0 < float(row["alignment"]) < 4
        assert float(row["uniformity"]) < 0
        assert 1 <= float(row["effective_rank"]) <= 4


def without_predictor_and_momentum(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network may then make both sides equal by making everything equal."""

    def step_without(self: Method, inputs: StepInputs) -> StepOutput:
        self.prediction = nn.Identity()
        self.target_backbone, self.target_projection = self.backbone, self.projection
        return step(self, inputs)

    step = BYOL.step
    monkeypatch.setattr(BYOL, "step", step_without)
    monkeypatch.setattr(BYOL, "before_step", lambda self, step: None)
    monkeypatch.setattr(BYOL, "_targets", lambda self, view: self.projection(self.backbone(view)))


@pytest.mark.slow
@pytest.mark.parametrize("collapses", [True, False])
def test_a_real_collapse_is_reported_and_a_healthy_run_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], collapses: bool
) -> None:
    if collapses:
        without_predictor_and_momentum(monkeypatch)
    recipe = write_recipe(
        tmp_path,
        (WITH_METHOD["simclr"], "{name: byol, hidden_dim: 64, output_dim: 32}"),
        ("{lr: 1e-3, warmup_epochs: 1}", "{lr: 1e-2, schedule: constant}"),
    )
    run = run_tiny(recipe, tmp_path / "run", "trainer.steps=80", "trainer.log_steps=5")
    assert capsys.readouterr().out.count("collapsed by step") == collapses
    assert (run.folder.log.exists() and "collapsed by step" in run.folder.log.read_text()) == collapses


def test_the_rows_of_all_ranks_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = embeddings(16, 8)
    monkeypatch.setattr(diagnostics, "rows_of_all_ranks", lambda own: torch.cat([own, whole[8:]]))
    feeder = Feeder()
    feeder.step_with(whole[:8], 2)
    expected = describe(whole, whole)
    assert {name: float(value) for name, value in feeder.rows[0].items()} == pytest.approx(
        {name: float(value) for name, value in expected.items()}
    )
