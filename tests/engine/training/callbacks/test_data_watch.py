"""Unreadable images are counted and named; more than one in a hundred fails the run."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from helpers.golden import Golden

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.training.callbacks import data_watch
from ssltoolbox.engine.training.callbacks.data_watch import DataWatch


class FakeBatch:
    """Four draws, and what was counted of them."""

    def __init__(self, counts: dict[str, int], notes: Sequence[str] = ()) -> None:
        self.counts = counts
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return 4


def batch(read: int, unreadable: int, notes: Sequence[str] = (), refused: int = 0) -> FakeBatch:
    return FakeBatch({"frames_read": read, "frames_unreadable": unreadable, "clips_refused": refused}, notes)


def feed(watch: DataWatch, *batches: FakeBatch, log_steps: int = 10**9) -> list[dict[str, float]]:
    """Gives the rows that were logged."""
    rows = []
    for index, one in enumerate(batches):
        trainer = SimpleNamespace(
            accumulate_grad_batches=1, log_every_n_steps=log_steps, global_step=index + 1
        )
        module = SimpleNamespace(log_dict=rows.append)
        micro_batch = SimpleNamespace(batch=one)
        watch.on_train_batch_end(trainer, module, {"counts": one.counts}, micro_batch, index)
    return rows


def end(watch: DataWatch, stopped: bool = False) -> None:
    watch.on_train_end(SimpleNamespace(world_size=1, should_stop=stopped), None)


def test_the_summary_names_unreadable_images(golden: Golden) -> None:
    watch = DataWatch()
    feed(watch, batch(600, 1, ["a.jpg: cut short"]), batch(600, 2, ["b.jpg: empty", "a.jpg: cut short"], 4))
    end(watch)
    golden("\n".join(watch.summary()))


def test_each_count_of_a_strategy_has_a_line(golden: Golden) -> None:
    watch = DataWatch()
    feed(watch, *[FakeBatch({"frames_read": 8, "swaps_skipped": 0, "faces_swapped": 3})] * 5)
    end(watch)
    golden("\n".join(watch.summary()))


def test_counts_are_logged_per_sample_since_the_last_row() -> None:
    watch = DataWatch()
    counted = [FakeBatch({"frames_read": 8, "faces_swapped": number}) for number in (1, 3, 4, 4, 2)]
    first = feed(watch, *counted[:4], log_steps=2)
    assert first == [{"faces_swapped_per_sample": 0.5}, {"faces_swapped_per_sample": 1.0}]
    resumed = DataWatch()
    resumed.load_state_dict(watch.state_dict())
    assert feed(resumed, counted[4], log_steps=1) == [{"faces_swapped_per_sample": 0.5}]


def test_anchors_without_an_answer(golden: Golden) -> None:
    watch = DataWatch()
    feed(watch, FakeBatch({"frames_read": 8, "anchors_refused": 2}))
    golden("\n".join(watch.summary()))


def test_a_run_without_skipped_data_has_no_summary() -> None:
    watch = DataWatch()
    feed(watch, batch(600, 0))
    end(watch)
    assert watch.summary() == []


def test_too_many_fail_as_soon_as_there_is_enough_to_judge(golden: Golden) -> None:
    watch = DataWatch()
    feed(watch, batch(600, 7, ["a.jpg: empty"]))
    with pytest.raises(SslToolboxError) as caught:
        feed(watch, batch(600, 6, ["b.jpg: empty"]))
    golden(str(caught.value))


def test_a_short_run_is_judged_at_its_end() -> None:
    watch = DataWatch()
    feed(watch, batch(50, 1, ["a.jpg: empty"]))
    with pytest.raises(SslToolboxError, match="1 of 50 images"):
        end(watch)
    end(watch, stopped=True)


def test_goes_on_counting_after_a_resume() -> None:
    watch, resumed = DataWatch(), DataWatch()
    feed(watch, batch(600, 3, ["a.jpg: empty"]))
    resumed.load_state_dict(watch.state_dict())
    feed(resumed, batch(600, 1, ["b.jpg: empty"]))
    assert resumed.counts["frames_unreadable"] == 4
    assert resumed.notes == ["a.jpg: empty", "b.jpg: empty"]


def test_the_ranks_are_added_up_where_a_step_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other rank has counted the same as this one."""
    monkeypatch.setattr(data_watch, "several", lambda: True)
    monkeypatch.setattr(data_watch, "of_all_ranks", lambda value: [value, value])
    watch = DataWatch()
    rows = feed(
        watch, *[FakeBatch({"frames_read": 8, "faces_swapped": 3}, ["a.jpg: empty"])] * 4, log_steps=2
    )
    assert rows == [{"faces_swapped_per_sample": 0.75}] * 2
    assert watch.counts == {"draws": 32, "frames_read": 64, "faces_swapped": 24}
    assert watch.notes == ["a.jpg: empty"]
    resumed = DataWatch()
    resumed.load_state_dict(watch.state_dict())
    assert resumed.counts == watch.counts
