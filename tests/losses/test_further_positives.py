"""Rows with several positives, and queries compared with the keys of the batch alone, both against the formula."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Rows
from ssltoolbox.losses import NTXentLoss, same_class

TEMPERATURE, INSTANCES = 0.2, 5
OUT0, OUT1 = torch.randn(2, INSTANCES, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def logits_of(rows: Tensor, columns: Tensor) -> Tensor:
    return F.normalize(rows, dim=1) @ F.normalize(columns, dim=1).T / TEMPERATURE


def test_a_row_is_pulled_to_all_its_positives() -> None:
    """Further positives are negatives of each other; they are never masked, and count once."""
    positives = torch.zeros(10, 10, dtype=torch.bool)
    positives[0, 0] = positives[0, 2] = positives[0, 5] = positives[4, 7] = True
    masked = torch.zeros(10, 10, dtype=torch.bool)
    masked[0, 2] = masked[0, 3] = masked[6, 0] = True
    weights = torch.full((10, 10), 3.0, dtype=torch.float64)
    loss = NTXentLoss(TEMPERATURE)
    found = loss(OUT0, OUT1, masked=masked, weights=weights, positives=positives)
    rows = torch.cat([OUT0, OUT1])
    logits = logits_of(rows, rows)
    expected = []
    for i in range(10):
        pair = (i + INSTANCES) % 10
        further = [j for j in range(10) if positives[i, j] and j not in (i, pair)]
        kept = [j for j in range(10) if j not in (i, pair) and (j in further or not masked[i, j])]
        counts = torch.tensor([1.0 if j in further else 3.0 for j in kept], dtype=torch.float64)
        total = torch.cat([logits[i, kept] + counts.log(), logits[i, [pair]]]).logsumexp(dim=0)
        expected.append((total - logits[i, [pair, *further]]).mean())
    torch.testing.assert_close(found, torch.stack(expected).mean())


def test_without_further_positives_nothing_changes() -> None:
    nothing = torch.zeros(10, 10, dtype=torch.bool)
    loss = NTXentLoss(TEMPERATURE)
    torch.testing.assert_close(loss(OUT0, OUT1, positives=nothing), loss(OUT0, OUT1))


def test_a_decoupled_loss_takes_no_further_positives() -> None:
    with pytest.raises(ValueError, match="further positives"):
        NTXentLoss(decoupled=True)(OUT0, OUT1, positives=torch.zeros(10, 10, dtype=torch.bool))


def test_one_way_a_query_meets_the_keys_alone() -> None:
    masked = torch.zeros(INSTANCES, INSTANCES, dtype=torch.bool)
    masked[1, 3] = masked[2, 2] = True
    loss = NTXentLoss(TEMPERATURE, one_way=True)
    found = loss(OUT0, OUT1, masked=masked)
    own = torch.eye(INSTANCES, dtype=torch.bool)
    logits = logits_of(OUT0, OUT1)
    expected = F.cross_entropy(logits.masked_fill(masked & ~own, -torch.inf), torch.arange(INSTANCES))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(loss(OUT0, OUT1), F.cross_entropy(logits, torch.arange(INSTANCES)))


def test_rows_of_unknown_class_have_no_class_mates() -> None:
    draw = torch.arange(4)
    rows = replace(Rows(draw, draw, draw, draw.double()), labels={"mood": torch.tensor([0, -1, 0, -1])})
    assert same_class(rows, rows, "mood").nonzero().tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]
