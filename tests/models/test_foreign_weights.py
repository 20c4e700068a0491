"""Checkpoints in other libraries' layouts, made on the spot; equal outputs show each tensor in its place."""

import argparse
import collections
import hashlib
import pickle
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightly
import numpy as np
import pytest
import safetensors.torch
import timm
import torch
import torchvision
from helpers.golden import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from lightly.models.modules import SimCLRProjectionHead
from torch import nn

from ssltoolbox.api import UserError
from ssltoolbox.models import create_backbone, load_weights, match_weights, save_weights, weights_hash
from ssltoolbox.models.checkpoints import read_tensors
from ssltoolbox.models.matching import match

TENSORS = 100
"""Of a ResNet-18 without its head, batch norm's counters left out."""


def shaken(model: nn.Module) -> nn.Module:
    """The model with every tensor random, statistics too, so that none could be mistaken for another."""
    torch.manual_seed(0)
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(
                    torch.rand_like(tensor) if "running_var" in key else 0.1 * torch.randn_like(tensor)
                )
    return model.eval()


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    """A ResNet-18 of torchvision without its head."""
    model = shaken(torchvision.models.resnet18())
    model.fc = nn.Identity()
    return model


class Module(nn.Module):
    """A method as lightly's tutorials, solo-learn and SSL-FER write it."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def other(resnet: nn.Module) -> dict[str, torch.Tensor]:
    """Another network of the same kind: a momentum copy, which is not to be taken for the trained one."""
    return {key: tensor + 1 for key, tensor in resnet.state_dict().items()}


def prefixed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: tensor for key, tensor in state.items()}


def ssl_fer(resnet: nn.Module) -> dict[str, Any]:
    """As its trainers save: the schedule is in the file as an object, and has the optimiser."""
    model = Module(backbone=resnet)
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=3e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    head = {"backbone.fc.0.weight": torch.zeros(512, 512), "backbone.fc.2.weight": torch.zeros(128, 512)}
    return {
        "epoch": 90,
        "arch": "resnet18",
        "state_dict": collections.OrderedDict(model.state_dict() | head),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler,
    }


def lightly_tutorial(resnet: nn.Module) -> dict[str, Any]:
    layers = nn.Sequential(*list(resnet.children())[:-1])
    head = SimCLRProjectionHead(512, 512, 128)
    state = Module(backbone=layers, projection_head=head).state_dict()
    momentum = prefixed(nn.Sequential(*list(resnet.children())[:-1]).state_dict(), "backbone_momentum.")
    return {
        "epoch": 1,
        "global_step": 10,
        "pytorch-lightning_version": "2.0",
        "state_dict": state | {key: tensor + 1 for key, tensor in momentum.items()},
        "optimizer_states": [],
        "hyper_parameters": {"lr": 0.1},
    }


def solo_learn(resnet: nn.Module) -> dict[str, Any]:
    state = prefixed(other(resnet), "momentum_backbone.") | prefixed(resnet.state_dict(), "backbone.")
    return {"state_dict": state | {"classifier.weight": torch.zeros(10, 512)}, "hyper_parameters": {}}


def old_solo_learn(resnet: nn.Module) -> dict[str, Any]:
    return {"state_dict": prefixed(resnet.state_dict(), "encoder.")}


def moco(resnet: nn.Module) -> dict[str, Any]:
    query = prefixed(resnet.state_dict(), "module.encoder_q.")
    return {
        "state_dict": prefixed(other(resnet), "module.encoder_k.") | query,
        "args": argparse.Namespace(lr=1),
    }


def moco_v3(resnet: nn.Module) -> dict[str, Any]:
    query = prefixed(resnet.state_dict(), "module.base_encoder.")
    return {"state_dict": prefixed(other(resnet), "module.momentum_encoder.") | query}


def dino(resnet: nn.Module) -> dict[str, Any]:
    """With batch norm its teacher is in DistributedDataParallel too."""
    return {
        "student": prefixed(other(resnet), "module.backbone."),
        "teacher": prefixed(resnet.state_dict(), "module.backbone."),
    }


def stable_pretraining(resnet: nn.Module) -> dict[str, Any]:
    probe = {"callbacks_modules.probe.weight": torch.zeros(10, 512)}
    return {"state_dict": prefixed(resnet.state_dict(), "backbone.") | probe}


def torchvision_with_head(resnet: nn.Module) -> dict[str, Any]:
    return resnet.state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


def without_counters(resnet: nn.Module) -> dict[str, Any]:
    return {key: tensor for key, tensor in resnet.state_dict().items() if "num_batches" not in key}


def compiled_and_parallel(resnet: nn.Module) -> dict[str, Any]:
    return {"model": prefixed(resnet.state_dict(), "module._orig_mod.")}


LAYOUTS = {
    ssl_fer: 2,
    lightly_tutorial: 132,
    solo_learn: 121,
    old_solo_learn: 0,
    moco: 120,
    moco_v3: 120,
    dino: 120,
    stable_pretraining: 1,
    torchvision_with_head: 2,
    without_counters: 0,
    compiled_and_parallel: 0,
}
"""Each layout, and how many of its tensors are of no use."""


@pytest.mark.parametrize(
    ("layout", "ignored"), LAYOUTS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_each_layout_gives_the_same_network(
    resnet: nn.Module, layout: Callable[[nn.Module], dict[str, Any]], ignored: int, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pth.tar"
    torch.save(layout(resnet), path)
    backbone = create_backbone("resnet18")
    found = load_weights(backbone, path)
    assert (found.fitting, found.total, len(found.ignored)) == (TENSORS, TENSORS, ignored)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(backbone.eval()(images), resnet(images))


def test_lightlys_small_resnet_is_our_small_stem(tmp_path: Path) -> None:
    theirs = shaken(lightly.models.ResNetGenerator("resnet-18"))
    path = tmp_path / "lightly.ckpt"
    torch.save({"state_dict": Module(backbone=theirs).state_dict()}, path)
    ours = create_backbone("resnet18", stem="small", weights=str(path)).eval()
    theirs.linear = nn.Identity()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


def test_a_network_without_the_stems_activation_is_refused(tmp_path: Path, golden: Golden) -> None:
    layers = nn.Sequential(*list(lightly.models.ResNetGenerator("resnet-18").children())[:-1])
    path = tmp_path / "lightly.ckpt"
    torch.save({"state_dict": Module(backbone=layers).state_dict()}, path)
    with pytest.raises(UserError) as caught:
        create_backbone("resnet18", stem="small", weights=str(path))
    golden(str(caught.value))


def test_what_matched_in_words(
    resnet: nn.Module, tmp_path: Path, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    path = tmp_path / "tv.pth"
    torch.save(torchvision_with_head(resnet), path)
    with caplog.at_level("INFO"):
        found = load_weights(create_backbone("resnet18"), path)
    golden(str(found))
    (message,) = caplog.messages
    assert message.startswith(f"{path}: ")
    golden(message)


def test_less_than_all_is_an_error_unless_allowed(resnet: nn.Module, tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "partial.safetensors"
    state = {key: tensor for key, tensor in resnet.state_dict().items() if not key.startswith("layer4.1")}
    state["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    safetensors.torch.save_file(state, path)
    with pytest.raises(UserError) as caught:
        create_backbone("resnet18", weights=str(path))
    golden(str(caught.value))
    torch.manual_seed(0)
    untouched = create_backbone("resnet18")
    torch.manual_seed(0)
    backbone = create_backbone("resnet18", weights=str(path), allow_partial=True)
    assert torch.equal(backbone.conv1.weight, untouched.conv1.weight)
    assert torch.equal(backbone.layer4[1].conv1.weight, untouched.layer4[1].conv1.weight)
    assert torch.equal(backbone.layer1[0].conv1.weight, resnet.layer1[0].conv1.weight)
    golden(str(load_weights(backbone, path, allow_partial=True)))


def test_nothing_that_fits_is_an_error_also_where_part_is_allowed(tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "other.safetensors"
    save_weights(timm.create_model("test_vit", num_classes=0), path)
    with pytest.raises(UserError) as caught:
        create_backbone("resnet18", weights=str(path), allow_partial=True)
    assert str(path) in str(caught.value)
    golden(str(caught.value))


def test_a_look_at_a_file_needs_no_memory_for_the_network(resnet: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "tv.pth"
    torch.save(resnet.state_dict(), path)
    with torch.device("meta"):
        backbone = create_backbone("resnet18")
    assert match_weights(backbone, path).complete
    assert backbone.conv1.weight.is_meta


class Bomb:
    """A pickle of it writes a file when it is read carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.target), "w")


@pytest.mark.parametrize("setting", [np.float64(0.5), np.int64(3), np.bool_(True), Path("/a/b")])
def test_settings_of_numpy_and_paths_are_read(setting: object, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": {"a": torch.ones(2)}, "args": argparse.Namespace(setting=setting)}, path)
    assert list(read_tensors(path)) == ["a"]


@pytest.mark.parametrize("new_format", [True, False])
@pytest.mark.parametrize("where", ["beside", "instead"])
def test_a_pickle_with_code_is_refused_and_never_run(
    resnet: nn.Module, tmp_path: Path, where: str, new_format: bool, golden: Golden
) -> None:
    path, target = tmp_path / "evil.pth", tmp_path / "written"
    content = {"state_dict": resnet.state_dict(), "x": Bomb(target)} if where == "beside" else Bomb(target)
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(UserError) as caught:
        read_tensors(path)
    function = f"{open.__module__}.open"
    assert str(path) in str(caught.value)
    assert function in str(caught.value)
    golden(str(caught.value).replace(function, "open"))
    assert not target.exists()


def test_a_plain_pickle_with_code_is_refused_and_never_run(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.pkl", tmp_path / "written"
    path.write_bytes(pickle.dumps(Bomb(target)))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(UserError) as caught:
            read_tensors(path)
    assert str(path) in str(caught.value)
    assert not warned
    assert not target.exists()


def test_a_checkpoint_of_lightly_train_is_to_be_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    """It holds its models as objects."""
    module = types.ModuleType("lightly_train._checkpoint")
    wrapper = type("Wrapper", (), {"__module__": module.__name__})
    vars(module)["Wrapper"] = wrapper
    monkeypatch.setitem(sys.modules, "lightly_train", types.ModuleType("lightly_train"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {}, "lightly_train": {"models": wrapper()}}, path)
    with pytest.raises(UserError) as caught:
        read_tensors(path)
    golden(str(caught.value))


def test_a_whole_model_in_a_pickle_is_refused(resnet: nn.Module, tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "model.pth"
    torch.save(resnet, path)
    with pytest.raises(UserError) as caught:
        read_tensors(path)
    golden(str(caught.value))


@pytest.mark.parametrize(
    "content",
    [
        {"epoch": 3, "lr": 0.1},
        [1, 2],
        {"state_dict": {}},
        {"optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}}},
    ],
    ids=["numbers", "a list", "no tensors", "an optimiser alone"],
)
def test_a_file_without_weights(
    content: dict[str, float] | dict[str, object] | list[int], tmp_path: Path, golden: Golden
) -> None:
    path = tmp_path / "nothing.pth"
    torch.save(content, path)
    with pytest.raises(UserError) as caught:
        read_tensors(path)
    golden(str(caught.value))


@settings(max_examples=60)
@given(start=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"{}"]), rest=st.binary(max_size=60))
def test_any_other_file_is_refused_in_one_line(
    start: bytes, rest: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "file"
    path.write_bytes(start + rest)
    with pytest.raises(UserError) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [10, 1000, 20_000])
def test_a_file_that_was_cut_short(resnet: nn.Module, kept: int, tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "cut.pth"
    torch.save(resnet.state_dict(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError) as caught:
        read_tensors(path)
    ours, damaged, reason = str(caught.value).partition("damaged: ")
    golden(ours + damaged)
    assert reason


def test_of_equally_good_namings_the_plainest_is_taken() -> None:
    expected = {"a": torch.zeros(2)}
    found = match(expected, {"backbone.a": torch.ones(2), "a": torch.zeros(2), "encoder.a": torch.ones(2)})
    assert torch.equal(found.tensors["a"], torch.zeros(2))
    assert found.ignored == ("backbone.a", "encoder.a")


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    backbone = create_backbone("test_byobnet")
    save_weights(backbone, tmp_path / "weights.safetensors")
    expected = hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest()
    assert weights_hash(backbone) == expected
    assert weights_hash(create_backbone("test_byobnet")) != expected


def test_a_pointer_of_git_lfs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(UserError, match="git lfs pull"):
        read_tensors(path)


def test_weights_that_are_nan_are_rejected(resnet: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "diverged.pth"
    tensors = {key: tensor.clone() for key, tensor in resnet.state_dict().items()}
    tensors["conv1.weight"][0] = torch.nan
    torch.save(tensors, path)
    with pytest.raises(UserError, match=r"diverged: 1 of .*'conv1.weight'"):
        match_weights(resnet, path)
