"""The rows beside a queue of keys: what is kept of them, and what a resumed run finds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ssltoolbox.api import Rows
from ssltoolbox.losses import RowQueue


def rows(
    draw: list[int], labels: dict[str, Tensor] | None = None, descriptors: dict[str, Tensor] | None = None
) -> Rows:
    ids = torch.tensor(draw)
    return Rows(ids, ids + 10, ids + 20, ids.double() / 4, labels=labels, descriptors=descriptors)


def test_rows_go_where_their_keys_went() -> None:
    queue = RowQueue(4)
    queue.enqueue(rows([5, 6]), pointer=2)
    queue.enqueue(rows([7, 8]), pointer=0)
    found = queue.rows()
    assert found.draw.tolist() == [7, 8, 5, 6]
    assert found.clip.tolist() == [17, 18, 15, 16]
    assert found.identity.tolist() == [27, 28, 25, 26]
    assert found.time.tolist() == [1.75, 2.0, 1.25, 1.5]


def test_an_empty_queue_has_no_draws() -> None:
    found = RowQueue(3).rows()
    assert found.draw.tolist() == [-1, -1, -1]
    assert found.time.isnan().all()
    assert found.labels == found.descriptors == {}


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        (torch.tensor([3, 1]), -1),
        (torch.tensor([[1, 0, 1], [0, -1, 1]]), -1),
        (torch.tensor([0.5, -0.5]), torch.nan),
        (torch.tensor([[0.1, 0.2], [0.3, torch.nan]]), torch.nan),
        (torch.tensor([True, True]), False),
    ],
    ids=["classes", "classes of each row", "values", "values of each row", "flags"],
)
def test_any_label_is_kept(values: Tensor, unknown: float) -> None:
    """Of any type, [B] or [B, C], and unknown where a slot is empty."""
    queue = RowQueue(4)
    queue.enqueue(rows([5, 6], {"gaze.x": values}), pointer=2)
    kept = queue.rows().labels["gaze.x"]
    assert kept.dtype == values.dtype
    torch.testing.assert_close(kept[2:], values, equal_nan=True)
    torch.testing.assert_close(kept[:2], torch.full_like(values, unknown), equal_nan=True)


def test_labels_called_like_attributes_of_a_module_are_kept() -> None:
    labels = {name: torch.tensor([1]) for name in ("draw", "type", "training", "labels", "forward")}
    queue = RowQueue(2)
    queue.enqueue(rows([0], labels), pointer=0)
    found = queue.rows().labels
    assert set(found) == set(labels)
    assert all(values.tolist() == [1, -1] for values in found.values())


def test_descriptors_are_kept_under_their_keys() -> None:
    described = {
        "mask_fn": torch.rand(2, 3),
        "mask_fn#2": torch.rand(2, 1),
        "near_in_time": torch.empty(2, 0),
    }
    queue = RowQueue(3)
    queue.enqueue(rows([0, 1], descriptors=described), pointer=1)
    kept = queue.rows().descriptors
    assert list(kept) == list(described)
    for key, values in described.items():
        assert torch.equal(kept[key][1:], values)
        assert kept[key][0].isnan().all()


def test_rows_without_a_label_leave_none_of_older_rows() -> None:
    queue = RowQueue(2)
    queue.enqueue(rows([0, 1], {"pose": torch.tensor([4, 5])}), pointer=0)
    queue.enqueue(rows([2]), pointer=0)
    assert queue.rows().labels["pose"].tolist() == [-1, 5]


def test_a_new_queue_loads_all_that_was_saved() -> None:
    saved = RowQueue(3)
    given = rows([0, 1], {"gaze.x": torch.rand(2)}, {"mask_fn": torch.rand(2, 3)})
    saved.enqueue(given, pointer=0)
    module = torch.nn.ModuleDict({"queue": RowQueue(3)})
    module.load_state_dict(torch.nn.ModuleDict({"queue": saved}).state_dict())
    found, expected = module["queue"].rows(), saved.rows()
    torch.testing.assert_close(found.labels, expected.labels, equal_nan=True)
    torch.testing.assert_close(found.descriptors, expected.descriptors, equal_nan=True)
    assert torch.equal(found.draw, expected.draw)
