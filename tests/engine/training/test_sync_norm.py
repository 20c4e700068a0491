"""Norms over several GPUs keep what timm's norms do beside normalising. What needs GPUs is not run here."""

import copy

import pytest
import pytorch_lightning as pl
import timm
import torch

from ssltoolbox.engine.training.sync_norm import SyncBatchNorm
from ssltoolbox.engine.training.trainer import _plugins

NETWORKS = ["test_resnet", "test_efficientnet", "test_byobnet"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_what_it_did(name):
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0).eval()
    images = torch.randn(2, 3, 48, 48)
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    expected = network(images)
    names, parameters = list(network.state_dict()), {id(part) for part in network.parameters()}
    synced = SyncBatchNorm().apply(copy.deepcopy(network))
    assert any(isinstance(part, torch.nn.SyncBatchNorm) for part in synced.modules())
    assert list(synced.state_dict()) == names
    torch.testing.assert_close(synced(images), expected)
    torch.testing.assert_close(SyncBatchNorm().revert(synced)(images), expected)
    applied = SyncBatchNorm().apply(network)
    assert {id(part) for part in applied.parameters()} == parameters


def test_lightning_takes_it():
    sync = _plugins(sync_norms=True)
    trainer = pl.Trainer(accelerator="cpu", devices=2, strategy="ddp", plugins=sync, logger=False)
    assert isinstance(trainer.strategy._layer_sync, SyncBatchNorm)
    assert len(_plugins(sync_norms=False)) == 1
