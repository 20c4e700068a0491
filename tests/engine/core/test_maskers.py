"""Which pairs are eligible for a mask, and how several maskers act as one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ssltoolbox.api import Batch, Comparison, MaskerAnswer, NegativeMasker, Options, Rows, SslToolboxError
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.losses import RowQueue


class MaskAll(NegativeMasker[Options]):
    """Masks whatever it may."""

    attract = 0.3

    def __init__(self, descriptor: Tensor | None = None) -> None:
        super().__init__(Options())
        self.descriptor = descriptor

    def describe(self, batch: Batch) -> Tensor:
        assert self.descriptor is not None
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
        clip=torch.arange(draws)[:, None].expand(draws, roles),
        identity=torch.arange(draws)[:, None].expand(draws, roles),
        time=torch.zeros(draws, roles, dtype=torch.float64),
    )


def rows(draw: list[int], descriptors: dict[str, Tensor], labels: dict[str, list[int]] | None = None) -> Rows:
    ids = torch.tensor(draw)
    time = torch.zeros(len(ids), dtype=torch.float64)
    known = {name: torch.tensor(values) for name, values in (labels or {}).items()}
    return Rows(ids, ids, ids, time, labels=known, descriptors=descriptors)


def zeros(count: int, **widths: int) -> dict[str, Tensor]:
    """Descriptors by the keys of their maskers."""
    return {key: torch.zeros(count, width) for key, width in widths.items()}


def test_the_same_draw_and_missing_opinions_are_protected() -> None:
    descriptor = torch.zeros(4, 3)
    descriptor[3] = torch.nan
    given = rows([0, 1, 0, 1], {"all": descriptor})
    masking = MaskerUnion({"all": MaskAll()}).mask(given, given)
    expected = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert masking.masked.int().tolist() == expected
    assert masking.attract == 0.3


def test_descriptors_stand_under_the_keys_of_their_maskers() -> None:
    one, two = torch.rand(4, 2), torch.rand(4, 5)
    union = MaskerUnion({"one": MaskAll(one), "two": MaskAll(two)})
    described = union.describe(batch(draws=2, roles=2))
    assert torch.equal(described["one"], one.view(2, 2, 2))
    assert torch.equal(described["two"], two.view(2, 2, 5))


def test_a_masker_sees_its_own_descriptors_alone() -> None:
    class Seen(MaskAll):
        def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
            self.seen = anchors.descriptor, candidates.descriptor
            return eligible

    maskers = {"one": Seen(), "one#2": Seen()}
    given = rows([0, 1], {"one": torch.ones(2, 3), "one#2": torch.zeros(2, 1)})
    MaskerUnion(maskers).mask(given, given)
    assert all(torch.equal(seen, torch.ones(2, 3)) for seen in maskers["one"].seen)
    assert all(torch.equal(seen, torch.zeros(2, 1)) for seen in maskers["one#2"].seen)


def test_union_of_masks_and_largest_attraction() -> None:
    given = rows([0, 1, 2, 3], zeros(4, all=2, none=5) | {"blind": torch.full((4, 1), torch.nan)})
    masking = MaskerUnion({"all": MaskAll(), "none": MaskNone(), "blind": MaskAll()}).mask(given, given)
    assert masking.masked.int().tolist() == [[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]
    assert masking.attract == 0.8


def test_empty_slots_of_a_queue_are_never_masked() -> None:
    queue = RowQueue(8)
    queue.enqueue(rows([5, 6], zeros(2, all=3)), pointer=2)
    masking = MaskerUnion({"all": MaskAll()}).mask(rows([6, 7], zeros(2, all=3)), queue.rows())
    assert masking.masked.int().tolist() == [[0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0]]


def test_nothing_is_masked_in_an_empty_queue() -> None:
    masking = MaskerUnion({"all": MaskAll()}).mask(rows([6, 7], zeros(2, all=0)), RowQueue(8).rows())
    assert masking.masked.shape == (2, 8)
    assert not masking.masked.any()


def test_labels_of_an_empty_queue_are_unknown() -> None:
    class Looks(MaskAll):
        def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
            self.seen = candidates.labels
            return eligible

    masker = Looks()
    labels = {"units": [[0, 1, 1], [1, 0, 0]], "age": [0.5, 1.5]}
    MaskerUnion({"looks": masker}).mask(rows([6, 7], zeros(2, looks=0), labels), RowQueue(8).rows())
    assert masker.seen["units"].tolist() == [[-1, -1, -1]] * 8
    assert masker.seen["age"].isnan().all()
    assert masker.seen["age"].shape == (8,)


def test_agreement_is_reported_with_a_queue_too() -> None:
    union, queue = MaskerUnion({"all": MaskAll()}), RowQueue(8)
    queue.enqueue(rows([5, 6, 7], zeros(3, all=1), {"expression": [0, 1, 1]}), pointer=0)
    terms = union.mask(rows([8], zeros(1, all=1), {"expression": [1]}), queue.rows()).terms
    assert terms["masked_same_expression"].item() == pytest.approx(2 / 3)


def test_agreement_with_labels_is_reported_with_chance() -> None:
    class MaskNext(MaskAll):
        def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
            return torch.eye(len(anchors), dtype=torch.bool).roll(1, dims=1)

    labelled = rows([0, 1, 2, 3], zeros(4, next=1), {"expression": [0, 0, 1, -1]})
    terms = MaskerUnion({"next": MaskNext()}).mask(labelled, labelled).terms
    assert terms["masked_share"].item() == pytest.approx(4 / 12)
    assert terms["masked_same_expression"].item() == pytest.approx(1 / 2)
    assert terms["chance_same_expression"].item() == pytest.approx(2 / 6)


def test_agreement_is_reported_for_every_label_of_classes() -> None:
    labels = {"au12": [0, 1], "eye_colour": [2, 2]}
    known = rows([0, 1], zeros(2, all=1), labels)
    values = {"valence": torch.rand(2), "units": torch.ones(2, 12, dtype=torch.long)}
    known = replace(known, labels={**known.labels, **values})
    terms = MaskerUnion({"all": MaskAll()}).mask(known, known).terms
    assert terms["masked_same_au12"] == 0
    assert terms["masked_same_eye_colour"] == 1
    assert set(terms) == {
        "masked_share",
        *(f"{what}_same_{label}" for label in labels for what in ("masked", "chance")),
    }


def test_a_union_without_maskers_is_false() -> None:
    assert not MaskerUnion()
    assert MaskerUnion().describe(batch(draws=2, roles=2)) == {}


def test_rows_that_a_masker_never_described_are_named() -> None:
    given = rows([0, 1], zeros(2, other=1))
    with pytest.raises(SslToolboxError, match="'all'"):
        MaskerUnion({"all": MaskAll()}).mask(given, given)


def test_a_mask_of_the_wrong_shape_is_named() -> None:
    class Wrong(MaskAll):
        def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
            return eligible[:1]

    given = rows([0, 1, 2, 3], zeros(4, wrong=1))
    message = r"Wrong\.mask gave torch\.bool \[1, 4\] .*, not torch\.bool \[4, 4\]"
    with pytest.raises(SslToolboxError, match=message):
        MaskerUnion({"wrong": Wrong()}).mask(given, given)


class Answers(MaskAll):
    """Answers what a test says."""

    needs_similarity = True

    def __init__(self, **answer: Tensor) -> None:
        super().__init__()
        self.given = answer

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        self.seen = comparison
        return MaskerAnswer(**self.given)


def pairs(count: int, *keys: str) -> tuple[Rows, Tensor]:
    """Rows of different draws and the similarity of each with each, with its gradient."""
    similarity = torch.rand(count, count, generator=torch.Generator().manual_seed(0)).requires_grad_()
    return rows(list(range(count)), zeros(count, **dict.fromkeys(keys, 1))), similarity


def test_weights_of_several_maskers_are_multiplied() -> None:
    given, similarity = pairs(3, "one", "two")
    one, two = torch.rand(2, 3, 3) + 0.1
    union = MaskerUnion({"one": Answers(weights=one), "two": Answers(weights=two)})
    masking = union.mask(given, given, similarity)
    torch.testing.assert_close(masking.weights, one * two)
    assert not masking.masked.any()
    assert masking.terms == {}


def test_weights_of_rows_without_an_opinion_are_one() -> None:
    given, similarity = pairs(3, "one")
    given.descriptors["one"][1] = torch.nan
    weights = torch.full((3, 3), 2.0)
    weights[1] = torch.nan
    masking = MaskerUnion({"one": Answers(weights=weights)}).mask(given, given, similarity)
    assert masking.weights.tolist() == [[2, 1, 2], [1, 1, 1], [2, 1, 2]]


@pytest.mark.parametrize("bad", [0.0, -1.0, torch.inf, torch.nan])
def test_weights_that_can_t_be_are_named(bad: float) -> None:
    given, similarity = pairs(2, "one")
    union = MaskerUnion({"one": Answers(weights=torch.tensor([[1.0, 1.0], [bad, 1.0]]))})
    with pytest.raises(SslToolboxError, match=r"Answers\.answer .* weights"):
        union.mask(given, given, similarity)


@pytest.mark.parametrize("weights", [torch.ones(2, 3), torch.ones(2, 2, dtype=torch.bool)])
def test_weights_of_the_wrong_shape_or_type_are_named(weights: Tensor) -> None:
    given, similarity = pairs(2, "one")
    with pytest.raises(SslToolboxError, match=r"Answers\.answer .* weights"):
        MaskerUnion({"one": Answers(weights=weights)}).mask(given, given, similarity)


def test_who_needs_no_similarity_is_given_none() -> None:
    class Blind(Answers):
        needs_similarity = False

    given, similarity = pairs(2, "blind", "sees")
    maskers = {"blind": Blind(), "sees": Answers()}
    union = MaskerUnion(maskers)
    union.mask(given, given, similarity)
    assert maskers["blind"].seen.similarity is None
    assert torch.equal(maskers["sees"].seen.similarity, similarity)
    assert union.needs_similarity
    assert not union.without_similarity().needs_similarity
    assert list(union.without_similarity().maskers) == ["blind"]


def test_a_masker_of_similarity_needs_a_method_that_gives_it() -> None:
    given, _ = pairs(2, "sees")
    with pytest.raises(SslToolboxError, match=r"'sees'.*similarity"):
        MaskerUnion({"sees": Answers()}).mask(given, given)


@pytest.mark.parametrize("differentiable", [False, True])
def test_weights_have_a_gradient_only_if_asked_for(differentiable: bool) -> None:
    class Grow(Answers):
        def answer(self, comparison: Comparison) -> MaskerAnswer:
            return MaskerAnswer(weights=comparison.similarity.exp())

    given, similarity = pairs(2, "grow")
    grow = Grow()
    grow.differentiable = differentiable
    masking = MaskerUnion({"grow": grow}).mask(given, given, similarity)
    assert masking.weights.requires_grad == differentiable
    with torch.no_grad():
        assert not MaskerUnion({"grow": grow}).mask(given, given, similarity).weights.requires_grad


def test_which_candidates_are_negatives_is_passed_on() -> None:
    given, similarity = pairs(3, "one")
    negative = torch.tensor([[0, 1, 1], [1, 0, 0], [1, 1, 0]]).bool()
    masker = Answers()
    MaskerUnion({"one": masker}).mask(given, given, similarity, negative)
    assert torch.equal(masker.seen.negative, negative)
    MaskerUnion({"one": masker}).mask(given, given, similarity)
    assert torch.equal(masker.seen.negative, ~torch.eye(3, dtype=torch.bool))


def test_each_masker_reports_its_own_terms() -> None:
    given, similarity = pairs(3, "one", "two")
    every = torch.ones(3, 3, dtype=torch.bool)
    one = Answers(masked=every, terms={"spread": torch.tensor(2.0)})
    union = MaskerUnion({"one": one, "two": Answers(masked=~every)})
    terms = union.mask(given, given, similarity).terms
    assert {name: float(value) for name, value in terms.items()} == {
        "masked_share": 1.0,
        "one_masked_share": 1.0,
        "two_masked_share": 0.0,
        "one_spread": 2.0,
    }


def test_each_masker_attracts_with_its_own_weight() -> None:
    given = rows([0, 1], zeros(2, all=1, none=1, still=1))
    still = MaskAll()
    still.attract = 0.0
    masking = MaskerUnion({"all": MaskAll(), "none": MaskNone(), "still": still}).mask(given, given)
    assert {key: attraction.weight for key, attraction in masking.attractions.items()} == {
        "all": 0.3,
        "none": 0.8,
    }
    assert torch.equal(masking.attractions["all"].masked, masking.masked)
    assert not masking.attractions["none"].masked.any()


def test_a_masker_that_learns_is_given_its_own_descriptors() -> None:
    class Learns(MaskAll, nn.Module):
        def update(self, rows: Rows, embeddings: Tensor) -> None:
            self.seen = rows.descriptor, embeddings

    learns, given = Learns(), rows([0, 1], {"learns": torch.ones(2, 3), "all": torch.zeros(2, 1)})
    union = MaskerUnion({"learns": learns, "all": MaskAll()})
    embeddings = torch.rand(2, 4)
    union.update(given, embeddings)
    assert list(union.learning) == ["learns"]
    assert all(torch.equal(*pair) for pair in zip(learns.seen, (torch.ones(2, 3), embeddings), strict=True))


def test_a_masker_whose_state_no_checkpoint_would_have_is_refused() -> None:
    class Forgets(MaskAll):
        def update(self, rows: Rows, embeddings: Tensor) -> None:
            self.mean = embeddings.mean()

    with pytest.raises(SslToolboxError, match=r"'forgets'.*Forgets.*nn\.Module"):
        MaskerUnion({"forgets": Forgets()})
