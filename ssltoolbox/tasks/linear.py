"""Linear models on frozen features, fitted for several regularisers at once in bounded memory.

Both minimise a mean loss + regulariser / 2 × ‖W‖² over standardised features, the intercept left free. Features
are standardised chunk by chunk in each pass, so that memory holds no copy of them; a GPU holds one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from ssltoolbox.models.devices import best_device

if TYPE_CHECKING:
    from sklearn.preprocessing import StandardScaler

CHUNK_BYTES = 2**21
"""Features are processed in chunks of about this size, so that intermediate results stay in a core's cache."""

ON_GPU = 32
"""Chunks are this many times as large on a GPU, where each chunk costs some kernel launches."""

PRECISION = 3e-6
"""A fit ends when a step lowers the loss by no more than this share of max(loss, 1)."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A linear map of features as they are, with the standardisation folded in.

    Attributes:
        weight: [D, C] float64.
        bias: [C] float64.
    """

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Outputs [n, C] float64 for the features [n, D]."""
        chunks = _chunks(values, _rows(values.shape[1]))
        found = [chunk.astype(np.float64) @ self.weight + self.bias for chunk in chunks]
        return np.concatenate(found) if found else np.empty((0, len(self.bias)))


def fit_logistic(
    values: np.ndarray, targets: np.ndarray, weights: np.ndarray, regularisers: Sequence[float]
) -> Iterator[LinearModel]:
    """A multinomial logistic regression for each regulariser, by L-BFGS in coordinates where the loss is round.

    The Hessian of the unregularised loss at W = 0 is A ⊗ (I - 11ᵀ / C) / C, with A the weighted covariance of
    the features. With A = Q Λ Qᵀ, the search is for V where W = Q (Λ / C + regulariser)^(-1/2) V: eigenvalues of
    features are many orders of magnitude apart, and in W itself the search takes many times as many steps. A fit
    starts where the line through the two fits before it leads, so regularisers go from strong to weak by equal
    factors.

    Args:
        values: [n, D] features.
        targets: [n] classes 0 to C-1.
        weights: [n] of the samples in the mean, with mean one.
        regularisers: positive.
    """
    scaler = _scaler(values)
    problem = _Logistic(values, scaler, torch.from_numpy(targets), torch.from_numpy(weights))
    eigenvalues, directions = torch.linalg.eigh(problem.covariance())
    before = now = torch.zeros(values.shape[1] + 1, problem.classes, dtype=torch.float64)
    for number, regulariser in enumerate(regularisers):
        root = (eigenvalues.clamp(min=0) / problem.classes + regulariser).sqrt()
        guess = 2 * now - before if number > 1 else now
        start = torch.cat([(directions * root).T @ guess[:-1], guess[-1:]])
        found = minimize(
            problem.at,
            start.numpy().ravel(),
            args=(directions / root, regulariser),
            jac=True,
            method="L-BFGS-B",
            options={"ftol": PRECISION, "gtol": PRECISION, "maxiter": 2000},
        )
        solution = torch.from_numpy(found.x.copy()).view(start.shape)
        before, now = now, torch.cat([directions / root @ solution[:-1], solution[-1:]])
        yield _unscaled(now[:-1].numpy(), now[-1].numpy(), scaler)


def fit_ridge(
    values: np.ndarray, targets: np.ndarray, regularisers: Sequence[float]
) -> Iterator[LinearModel]:
    """A ridge regression of the numbers [n] for each regulariser, by one eigendecomposition of the covariance."""
    scaler = _scaler(values)
    mean = targets.mean()
    covariance, slope = 0.0, 0.0
    rows = _rows(values.shape[1])
    for chunk, wanted in zip(_chunks(values, rows), _chunks(targets, rows), strict=True):
        standard = scaler.transform(chunk.astype(np.float64))
        covariance = covariance + standard.T @ standard / len(values)
        slope = slope + standard.T @ (wanted - mean) / len(values)
    eigenvalues, directions = np.linalg.eigh(covariance)
    for regulariser in regularisers:
        shrunk = (directions.T @ slope) / (eigenvalues.clip(min=0) + regulariser)
        yield _unscaled((directions @ shrunk)[:, None], np.array([mean]), scaler)


class _Logistic:
    """The weighted mean cross-entropy of standardised features, and its gradient.

    Args:
        values: [n, D] features as they are.
        scaler: fitted to them.
        targets: [n] int64.
        weights: [n] with mean one.
    """

    def __init__(self, values: np.ndarray, scaler: StandardScaler, targets: Tensor, weights: Tensor) -> None:
        self.device = best_device()
        self.values, self.targets = torch.from_numpy(values).to(self.device), targets.to(self.device)
        self.weights = (weights / len(weights)).float().to(self.device)
        self.classes = int(targets.max()) + 1
        # Standardised features are (value - near) × inverse + rest, with `near` the mean rounded to the features'
        # type; the factor and the rest move into the weight and the bias.
        mean, self._inverse = torch.from_numpy(scaler.mean_), torch.from_numpy(1 / scaler.scale_)
        near = mean.to(self.values.dtype)
        self._rest, self._near = (near.double() - mean) * self._inverse, near.to(self.device)

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Features about their mean [n, D] float32, targets and weights [n]."""
        rows = _rows(self.values.shape[1]) * (ON_GPU if self.device.type == "cuda" else 1)
        parts = (whole.split(rows) for whole in (self.values, self.targets, self.weights))
        for values, targets, weights in zip(*parts, strict=True):
            yield (values - self._near).float(), targets, weights

    def covariance(self) -> Tensor:
        """[D, D] float64, weighted; without the rest, which is below rounding."""
        inverse = self._inverse.float().to(self.device)
        found = torch.zeros((len(inverse),) * 2, dtype=torch.float64, device=self.device)
        for x, _, w in self._chunks():
            x *= inverse
            found += (x * w[:, None]).T.mm(x)
        return found.cpu()

    def at(self, flat: np.ndarray, basis: Tensor, regulariser: float) -> tuple[float, np.ndarray]:
        """The loss and its gradient by V and the bias, both flat; W is `basis` V."""
        point = torch.from_numpy(flat).view(-1, self.classes)
        weight, bias = basis @ point[:-1], point[-1]
        loss, by_weight, by_bias = self._loss(weight, bias)
        by_point = torch.cat([basis.T @ (by_weight + regulariser * weight), by_bias[None]])
        return loss + regulariser / 2 * float(weight.square().sum()), by_point.numpy().ravel()

    def _loss(self, weight: Tensor, bias: Tensor) -> tuple[float, Tensor, Tensor]:
        """The loss, and its gradients by the weight [D, C] and the bias [C].

        Products are in float32, sums of them in float64. Classes are rows: over columns that are few, softmax and
        products are several times slower.
        """
        device = self.device
        rows = (self._inverse[:, None] * weight).T.float().contiguous().to(device)
        offset = (bias + self._rest @ weight).float().to(device)[:, None]
        loss = torch.zeros((), dtype=torch.float64, device=device)
        by_weight = torch.zeros(weight.T.shape, dtype=torch.float64, device=device)
        by_bias = torch.zeros(bias.shape, dtype=torch.float64, device=device)
        for x, target, w in self._chunks():
            sample = torch.arange(len(x), device=device)
            log_p = (rows @ x.T).add_(offset).log_softmax(0)
            loss -= (log_p[target, sample] * w).sum(dtype=torch.float64)
            error = log_p.exp_()
            error[target, sample] -= 1
            error *= w
            by_weight += error @ x
            by_bias += error.sum(1, dtype=torch.float64)
        by_bias = by_bias.cpu()
        by_standard = self._inverse[:, None] * by_weight.T.cpu() + self._rest[:, None] * by_bias
        return float(loss), by_standard, by_bias


def _scaler(values: np.ndarray) -> StandardScaler:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for chunk in _chunks(values, _rows(values.shape[1])):
        # float64, as squares of large features overflow before.
        scaler.partial_fit(chunk.astype(np.float64))
    return scaler


def _chunks(values: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    return (values[start : start + rows] for start in range(0, len(values), rows))


def _rows(dimensions: int) -> int:
    """Rows of a chunk."""
    return max(1, CHUNK_BYTES // (4 * max(dimensions, 1)))


def _unscaled(weight: np.ndarray, bias: np.ndarray, scaler: StandardScaler) -> LinearModel:
    raw = weight / scaler.scale_[:, None]
    return LinearModel(raw, bias - scaler.mean_ @ raw)
