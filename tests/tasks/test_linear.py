import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from ssltoolbox.tasks import linear
from ssltoolbox.tasks.linear import fit_logistic, fit_ridge
from ssltoolbox.tasks.probes import REGULARISERS


def features(samples: int, dims: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes in features whose variances are far apart, as a network's are."""
    rng = np.random.default_rng(0)
    targets = np.arange(samples) % classes
    values = rng.normal(size=(samples, dims)) + 0.5 * rng.normal(size=(classes, dims))[targets]
    mixed = np.maximum(values @ (rng.normal(size=(dims, dims)) * np.geomspace(1, 1e-2, dims)[:, None]), 0)
    return (10 * mixed + 3).astype(np.float32), targets


def loss(
    values: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    regulariser: float,
) -> float:
    log_p = log_softmax(values @ weight + bias, axis=1)[np.arange(len(targets)), targets]
    return -(log_p * weights).mean() + regulariser / 2 * np.square(weight).sum()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 7])
def test_the_loss_is_scikit_learn_s_optimum_at_every_regulariser(classes: int, weighted: bool) -> None:
    values, targets = features(700, 40, classes)
    weights = np.where(targets == 0, 3.0, 1.0) if weighted else np.ones(len(targets))
    weights /= weights.mean()
    scaler = StandardScaler().fit(values.astype(np.float64))
    standard = scaler.transform(values.astype(np.float64))
    models = fit_logistic(values, targets, weights, REGULARISERS)
    for regulariser, model in zip(REGULARISERS, models, strict=True):
        # Two classes are one column to scikit-learn, and half of it for each of ours has half of its penalty.
        penalty = regulariser / 2 if classes == 2 else regulariser
        theirs = LogisticRegression(C=1 / (penalty * len(values)), tol=1e-8, max_iter=5000)
        theirs.fit(standard, targets, weights)
        weight, bias = theirs.coef_.T, theirs.intercept_
        if classes == 2:
            weight, bias = np.hstack([-weight, weight]) / 2, np.append(-bias, bias) / 2
        best = loss(standard, targets, weights, weight, bias, regulariser)
        ours_weight = model.weight * scaler.scale_[:, None]
        ours_bias = model.bias + scaler.mean_ @ model.weight
        assert loss(standard, targets, weights, ours_weight, ours_bias, regulariser) - best < 1e-4


def test_ridge_is_scikit_learn_s() -> None:
    values, _ = features(500, 30, 7)
    targets = values @ np.linspace(-1, 1, 30) + np.random.default_rng(1).normal(size=500)
    standard = StandardScaler().fit_transform(values.astype(np.float64))
    for regulariser, model in zip(REGULARISERS, fit_ridge(values, targets, REGULARISERS), strict=True):
        theirs = Ridge(alpha=regulariser * len(values)).fit(standard, targets).predict(standard)
        np.testing.assert_allclose(model(values)[:, 0], theirs, atol=1e-6 * np.abs(theirs).max())


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values, targets = features(300, 10, 3)
    whole = [model(values) for model in fit_logistic(values, targets, np.ones(300), (1.0, 0.1))]
    monkeypatch.setattr("ssltoolbox.tasks.linear.CHUNK_BYTES", 64 * 10 * 4)
    parts = [model(values) for model in fit_logistic(values, targets, np.ones(300), (1.0, 0.1))]
    np.testing.assert_allclose(parts, whole, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_far_from_zero_are_fitted_as_well(dtype: type) -> None:
    """Standardised only as they are looked at, they lose no more digits than their own type has."""
    values, targets = features(400, 20, 5)
    near = values.astype(np.float64) / values.std(0)
    far = (near + 1e4).astype(dtype)
    weights = np.ones(len(targets))
    scaler = StandardScaler().fit(far.astype(np.float64))
    standard = scaler.transform(far.astype(np.float64))
    for regulariser, model in zip(
        (0.1, 0.001), fit_logistic(far, targets, weights, (0.1, 0.001)), strict=True
    ):
        theirs = LogisticRegression(C=1 / (regulariser * len(far)), tol=1e-8, max_iter=5000)
        theirs.fit(standard, targets)
        best = loss(standard, targets, weights, theirs.coef_.T, theirs.intercept_, regulariser)
        ours = model.weight * scaler.scale_[:, None], model.bias + scaler.mean_ @ model.weight
        assert loss(standard, targets, weights, *ours, regulariser) - best < 1e-4


def test_no_copy_of_the_features_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made of a chunk is gone when the next one comes."""
    values, targets = features(600, 10, 3)
    monkeypatch.setattr("ssltoolbox.tasks.linear.CHUNK_BYTES", 50 * 10 * 4)
    monkeypatch.setattr("ssltoolbox.tasks.linear.best_device", lambda: torch.device("cpu"))
    problem = linear._Logistic(values, linear._scaler(values), torch.from_numpy(targets), torch.ones(600))
    assert problem.values.data_ptr() == values.__array_interface__["data"][0]
    assert [len(chunk) for chunk, _, _ in problem._chunks()] == [50] * 12
    held = [name for name, value in vars(problem).items() if getattr(value, "shape", ())[:1] == (600,)]
    assert sorted(held) == ["targets", "values", "weights"]
