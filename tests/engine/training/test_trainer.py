"""What the Trainer's errors become."""

from types import SimpleNamespace

import pytest
import torch

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.training.trainer import failures_explained

TRAINER = SimpleNamespace(global_step=7, global_rank=0, world_size=2)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("no room\nfor more"),
        MemoryError("no room"),
        RuntimeError("DefaultCPUAllocator: no room"),
    ],
)
def test_memory_that_runs_out(error):
    with pytest.raises(SslToolboxError) as caught, failures_explained(TRAINER):
        raise error
    assert str(caught.value).startswith("out of memory at step 7: ")
    assert str(caught.value).endswith(
        "no room; choose a smaller trainer.batch_size, or a larger trainer.accumulate"
    )
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("gloo")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, failures_explained(TRAINER):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[gloo/transport/tcp/pair.cc:1] Connection closed"),
        torch.distributed.DistBackendError("NCCL"),
    ],
)
def test_another_rank_that_stopped(error):
    with pytest.raises(SslToolboxError) as caught, failures_explained(TRAINER):
        raise error
    assert str(caught.value) == (
        "rank 0 stops at step 7, because another rank has: it was killed, or has said why"
    )
