"""What the Trainer's errors become, and norms over several GPUs."""

import copy
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import timm
import torch
from helpers.golden import Golden

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.training.launch import World
from ssltoolbox.engine.training.trainer import SyncBatchNorm, _plugins, failures_explained

TRAINER = SimpleNamespace(global_step=7, global_rank=0, world_size=2)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("no room\nfor more"),
        MemoryError("no room"),
        RuntimeError("DefaultCPUAllocator: no room"),
    ],
)
def test_memory_that_runs_out(error: Exception, golden: Golden) -> None:
    with pytest.raises(SslToolboxError) as caught, failures_explained(TRAINER):
        raise error
    golden(str(caught.value))
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("gloo")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
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
def test_another_rank_that_stopped(error: Exception, golden: Golden) -> None:
    with pytest.raises(SslToolboxError) as caught, failures_explained(TRAINER):
        raise error
    golden(str(caught.value))


NETWORKS = ["test_resnet", "test_efficientnet", "test_byobnet"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_what_it_did(name: str) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0).eval()
    images = torch.randn(2, 3, 48, 48)
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    expected = network(images)
    names, parameters = list(network.state_dict()), {id(part) for part in network.parameters()}
    synced = SyncBatchNorm(cuda=True).apply(copy.deepcopy(network))
    assert any(isinstance(part, torch.nn.SyncBatchNorm) for part in synced.modules())
    assert list(synced.state_dict()) == names
    torch.testing.assert_close(synced(images), expected)
    torch.testing.assert_close(SyncBatchNorm(cuda=True).revert(synced)(images), expected)
    applied = SyncBatchNorm(cuda=True).apply(network)
    assert {id(part) for part in applied.parameters()} == parameters


def test_lightning_uses_our_synchronised_batch_norm() -> None:
    sync = _plugins(World(devices=2), cuda=True)
    trainer = pl.Trainer(accelerator="cpu", devices=2, strategy="ddp", plugins=sync, logger=False)
    assert isinstance(trainer.strategy._layer_sync, SyncBatchNorm)
    assert not any(isinstance(part, SyncBatchNorm) for part in _plugins(World(), cuda=True))
    assert not any(isinstance(part, SyncBatchNorm) for part in _plugins(World(devices=2), True, False))
