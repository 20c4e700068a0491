"""Who may be masked, and how several maskers act as one."""

import pytest
import torch
from torch import Tensor

from ssltoolbox.api import Batch, NegativeMasker, Options, Rows, SslToolboxError
from ssltoolbox.losses import MaskerUnion, RowQueue


class MaskAll(NegativeMasker[Options]):
    """Masks whatever it may."""

    attract = 0.3

    def __init__(self, descriptor: Tensor) -> None:
        super().__init__(Options())
        self.descriptor = descriptor

    def describe(self, batch: Batch) -> Tensor:
        return self.descriptor

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        return torch.ones_like(eligible)


class MaskNone(MaskAll):
    """Masks nothing, but would attract."""

    attract = 0.8

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        return torch.zeros_like(eligible)


def batch(draws: int, roles: int) -> Batch:
    """Nothing but shapes."""
    return Batch(
        frames=torch.zeros(draws, roles, 3, 2, 2, dtype=torch.uint8),
        landmarks=torch.zeros(draws, roles, 68, 2),
        draw=torch.arange(draws),
        clip=torch.arange(draws),
        identity=torch.arange(draws),
        time=torch.zeros(draws, roles, dtype=torch.float64),
    )


def rows(draw: list[int], descriptor: Tensor, expression: list[int] | None = None) -> Rows:
    ids = torch.tensor(draw)
    labels = {} if expression is None else {"expression": torch.tensor(expression)}
    return Rows(ids, ids, ids, torch.zeros(len(ids), dtype=torch.float64), descriptor, labels)


def described(
    *maskers: NegativeMasker[Options], draws: int = 2, roles: int = 2
) -> tuple[MaskerUnion, Tensor]:
    union = MaskerUnion(maskers)
    return union, union.describe(batch(draws, roles)).flatten(0, 1)


def test_the_same_draw_and_missing_opinions_are_protected():
    descriptor = torch.zeros(4, 3)
    descriptor[3] = torch.nan
    union, both = described(MaskAll(descriptor))
    masking = union.mask(rows([0, 1, 0, 1], both), rows([0, 1, 0, 1], both))
    expected = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert masking.masked.int().tolist() == expected
    assert masking.attract == 0.3


def test_union_of_masks_and_largest_attraction():
    blind = torch.full((4, 1), torch.nan)
    union, both = described(MaskAll(torch.zeros(4, 2)), MaskNone(torch.zeros(4, 5)), MaskAll(blind))
    assert both.shape == (4, 8)
    masking = union.mask(rows([0, 1, 2, 3], both), rows([0, 1, 2, 3], both))
    assert masking.masked.int().tolist() == [[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]
    assert masking.attract == 0.8


def test_empty_places_of_a_queue_are_never_masked():
    union, both = described(MaskAll(torch.zeros(4, 3)))
    queue = RowQueue(8, 3)
    queue.enqueue(rows([5, 6], both[:2]), pointer=2)
    masking = union.mask(rows([6, 7], both[:2]), queue.rows())
    assert masking.masked.int().tolist() == [[0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0]]


def test_agreement_is_reported_with_a_queue_too():
    union, both = described(MaskAll(torch.zeros(4, 1)))
    queue = RowQueue(8, 1)
    queue.enqueue(rows([5, 6, 7], both[:3], expression=[0, 1, 1]), pointer=0)
    parts = union.mask(rows([8], both[:1], expression=[1]), queue.rows()).parts
    assert parts["masked_same_expression"].item() == pytest.approx(2 / 3)
    queue.enqueue(rows([9], both[:1]), pointer=3)
    assert queue.rows().labels["expression"].tolist()[:4] == [0, 1, 1, -1]


def test_agreement_with_labels_is_reported_beside_chance():
    class MaskNext(MaskAll):
        def mask(self, anchors, candidates, eligible):
            return torch.eye(len(anchors), dtype=torch.bool).roll(1, dims=1)

    union, both = described(MaskNext(torch.zeros(4, 1)))
    labelled = rows([0, 1, 2, 3], both, expression=[0, 0, 1, -1])
    parts = union.mask(labelled, labelled).parts
    assert parts["masked_share"].item() == pytest.approx(4 / 12)
    assert parts["masked_same_expression"].item() == pytest.approx(1 / 2)
    assert parts["chance_same_expression"].item() == pytest.approx(2 / 6)


def test_no_maskers():
    union, both = described()
    assert not union
    assert both.shape == (4, 0)


def test_a_mask_of_the_wrong_shape_is_named():
    class Wrong(MaskAll):
        def mask(self, anchors, candidates, eligible):
            return eligible[:1]

    union, both = described(Wrong(torch.zeros(4, 1)))
    message = r"Wrong\.mask gave torch\.bool \[1, 4\], not torch\.bool \[4, 4\]"
    with pytest.raises(SslToolboxError, match=message):
        union.mask(rows([0, 1, 2, 3], both), rows([0, 1, 2, 3], both))
