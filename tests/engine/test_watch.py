"""Unreadable images are counted and named; more than one in a hundred fails the run."""

from types import SimpleNamespace

import pytest

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.watch import DataWatch


def batch(read, unreadable, notes=(), refused=0):
    counts = {"frames_read": read, "frames_unreadable": unreadable, "clips_refused": refused}
    return SimpleNamespace(counts=counts, notes=tuple(notes))


def feed(watch, *batches):
    for index, one in enumerate(batches):
        watch.on_train_batch_end(None, None, None, one, index)


def end(watch, stopped=False):
    watch.on_train_end(SimpleNamespace(world_size=1, should_stop=stopped), None)


def test_summary():
    watch = DataWatch()
    feed(watch, batch(600, 1, ["a.jpg: cut short"]), batch(600, 2, ["b.jpg: empty", "a.jpg: cut short"], 4))
    end(watch)
    assert watch.summary() == [
        "3 of 1200 images were unreadable (0.25%) and replaced by other draws:",
        "  a.jpg: cut short",
        "  b.jpg: empty",
        "4 draws fell on clips too short for the strategies",
    ]


def test_nothing_to_say():
    watch = DataWatch()
    feed(watch, batch(600, 0))
    end(watch)
    assert watch.summary() == []


def test_too_many_fail_as_soon_as_there_is_enough_to_judge():
    watch = DataWatch()
    feed(watch, batch(600, 7, ["a.jpg: empty"]))
    with pytest.raises(SslToolboxError) as caught:
        feed(watch, batch(600, 6, ["b.jpg: empty"]))
    assert str(caught.value) == ("13 of 1200 images are unreadable, more than 1%: a.jpg: empty; b.jpg: empty")


def test_a_short_run_is_judged_at_its_end():
    watch = DataWatch()
    feed(watch, batch(50, 1, ["a.jpg: empty"]))
    with pytest.raises(SslToolboxError, match="1 of 50 images are unreadable"):
        end(watch)
    end(watch, stopped=True)


def test_goes_on_counting_after_a_resume():
    watch, resumed = DataWatch(), DataWatch()
    feed(watch, batch(600, 3, ["a.jpg: empty"]))
    resumed.load_state_dict(watch.state_dict())
    feed(resumed, batch(600, 1, ["b.jpg: empty"]))
    assert resumed.counts["frames_unreadable"] == 4
    assert resumed.notes == ["a.jpg: empty", "b.jpg: empty"]
