"""Workers and torch share the cores, and torch gets its threads back."""

import pytest
import torch

from ssltoolbox.engine import cores


@pytest.mark.parametrize(
    ("available", "processes", "workers"), [(1, 1, 1), (2, 1, 1), (8, 1, 7), (64, 1, 8), (16, 4, 3)]
)
def test_auto(monkeypatch, available, processes, workers):
    monkeypatch.setattr(cores, "cores", lambda: available)
    assert cores.worker_count("auto", processes) == workers
    assert cores.worker_count(5, processes) == 5


def test_threads(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr(cores, "cores", lambda: before)
    with cores.shared_with(workers=1):
        assert torch.get_num_threads() == max(1, before - 1)
    assert torch.get_num_threads() == before
    with cores.shared_with(workers=before + 5):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
