"""Batches are pinned by the loader and copied beside other work: what is asked of CUDA, seen without one."""

from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch.utils.data._utils.pin_memory import pin_memory

from ssltoolbox.api import Batch
from ssltoolbox.engine.training.transfer import Transfer

TENSORS = 8


@pytest.fixture
def batch():
    numbers = torch.arange(2)
    return Batch(
        frames=torch.zeros(2, 2, 3, 4, 4, dtype=torch.uint8),
        landmarks=torch.zeros(2, 2, 68, 2),
        draw=numbers,
        clip=numbers[:, None].expand(2, 2),
        identity=numbers[:, None].expand(2, 2),
        time=torch.zeros(2, 2),
        labels={"expression": torch.zeros(2, 2), "valence": torch.zeros(2, 2)},
        counts={"frames_read": 4},
    )


def test_the_loader_pins_every_tensor(batch, monkeypatch):
    """By the function that torch's loader calls; a type that it doesn't know would be left as it is."""
    pinned = []
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor.clone())
    moved = pin_memory(batch)
    assert len(pinned) == TENSORS
    assert moved.frames is not batch.frames
    assert moved.labels["valence"] is not batch.labels["valence"]
    assert moved.counts == batch.counts


class FakeStream:
    def __init__(self, *_):
        self.waited_for = []

    def wait_stream(self, other):
        self.waited_for.append(other)


def test_a_copy_has_a_stream_of_its_own(batch, monkeypatch):
    current, entered, copied, recorded = FakeStream(), [], [], []

    @contextmanager
    def within(stream):
        entered.append(stream)
        yield
        entered.append(None)

    def to(tensor, device, non_blocking=False):
        copied.append((entered[-1], device.type, non_blocking))
        return tensor.clone()

    monkeypatch.setattr(torch.cuda, "Stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "stream", within)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current)
    monkeypatch.setattr(Tensor, "to", to)
    monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: recorded.append(stream))
    transfer = Transfer()
    transfer(batch, torch.device("cuda"))
    transfer(batch, torch.device("cuda"))
    own, again = current.waited_for
    assert own is again
    assert own is not current
    assert copied == [(own, "cuda", True)] * 2 * TENSORS
    assert recorded == [current] * 2 * TENSORS


def test_on_a_cpu_it_stays_where_it_is(batch):
    moved = Transfer()(batch, torch.device("cpu"))
    assert moved.frames.data_ptr() == batch.frames.data_ptr()
