"""Linear models, and the heads that they are kept as."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ssltoolbox.api import Features, Head, HeadOutput
from ssltoolbox.engine.runs.heads import network_of
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.fitted import fit_classes, fit_columns, fit_numbers, joined
from ssltoolbox.tasks.options import ExpressionOptions, ValenceArousalOptions
from ssltoolbox.tasks.samples import Samples
from ssltoolbox.tasks.valence_arousal import ValenceArousal

NAMES = ("calm", "happy", "sad", "angry")


def samples(targets: np.ndarray, values: np.ndarray) -> Samples:
    return Samples(values.astype(np.float32), targets, np.zeros(len(targets), int))


def values(frames: int = 80) -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, size=(frames, 5))


def outputs(head: Head, features: np.ndarray) -> np.ndarray:
    """What the head gives as a network of torch."""
    with torch.no_grad():
        return network_of(head.layers)(torch.from_numpy(features.astype(np.float32))).numpy()


def test_a_head_of_classes_gives_the_models_answers() -> None:
    features = values()
    targets = np.where(features[:, 0] > 3, 3, np.where(features[:, 1] > 3, 1, 0))
    model = fit_classes(samples(targets, features), (0.01,), balanced=True)[0.01]
    head = model.head("mood", NAMES)
    assert head.outputs == (HeadOutput("mood", "classes", ("calm", "happy", "angry")),)
    found = np.array([0, 1, 3])[outputs(head, features).argmax(1)]
    assert (found == model(features)).all()
    assert (found == targets).mean() > 0.9


def test_numbers_keep_their_scale_when_heads_are_joined() -> None:
    features = values()
    first = fit_numbers(samples(features[:, 0] * 100 + 7, features), (1e-6,))[1e-6]
    second = fit_numbers(samples(features[:, 1], features), (1e-6,))[1e-6]
    head = joined([first.head("age", ()), second.head("valence", ())])
    assert [column for output in head.outputs for column in output.columns] == ["age", "valence"]
    expected = np.stack([first(features), second(features)], axis=1)
    np.testing.assert_allclose(outputs(head, features), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(expected[:, 0], features[:, 0] * 100 + 7, rtol=1e-3)


def test_columns_of_one_answer_give_that_answer() -> None:
    features = values()
    varied = (features[:, 2] > 3).astype(int)
    always, never, unknown = np.ones(80, int), np.zeros(80, int), np.full(80, -1)
    targets = np.stack([varied, always, never, unknown], axis=1)
    model = fit_columns(samples(targets, features), (0.01,), balanced=False)[0.01]
    found = model(features)
    assert (found[:, 0] == varied).mean() > 0.95
    assert found[:, 1:].mean(axis=0).tolist() == [1, 0, 0]
    head = model.head("aus", ("au1", "au2", "au4", "au6"))
    assert ((outputs(head, features) > 0) == (found == 1)).all()


def test_the_probe_of_a_task_is_kept_and_the_neighbours_are_not(
    make_features: Callable[..., Features],
) -> None:
    splits = {name: make_features(seed, expression=6.0) for seed, name in enumerate(("train", "val", "test"))}
    kept = Expression(ExpressionOptions()).evaluate(splits).head
    assert kept is not None
    test: Features = splits["test"]
    found = outputs(kept, test.values).argmax(1)
    assert (found == test.labels["expression"]).mean() > 0.9
    assert Expression(ExpressionOptions(protocol="knn")).evaluate(splits).head is None


def test_valence_and_arousal_are_one_head(make_features: Callable[..., Features]) -> None:
    splits = {name: make_features(seed, expression=6.0) for seed, name in enumerate(("train", "val", "test"))}
    results = ValenceArousal(ValenceArousalOptions()).evaluate(splits)
    assert results.head is not None
    assert [output.label for output in results.head.outputs] == ["valence", "arousal"]
    assert all("head" not in result for result in results.values())
    found = outputs(results.head, splits["test"].values)[:, 0]
    assert np.corrcoef(found, splits["test"].labels["valence"])[0, 1] > 0.8
