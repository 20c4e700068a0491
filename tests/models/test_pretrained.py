"""timm's own weights, where there are none, or where they can't be fetched."""

import threading
from pathlib import Path
from typing import Any, Never

import huggingface_hub
import pytest
import timm
import torch

from ssltoolbox.api import UserError
from ssltoolbox.api import hub as hub_module
from ssltoolbox.models import create_backbone, save_weights


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls of timm's `create_model`, which fails as it does without a network."""
    calls = []

    def create_model(name: str, **_: object) -> Never:
        calls.append(name)
        raise OSError("no network\nat all")

    monkeypatch.setattr(timm, "create_model", create_model)
    return calls


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Hub, which answers unless it is told to fail, and what is cached of it."""

    class Hub:
        failure = None
        cached = None

        def head(self, url: str, timeout: float) -> None:
            assert url == huggingface_hub.constants.ENDPOINT
            if self.failure:
                raise self.failure

    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: hub.cached)
    return hub


def test_a_hub_that_does_not_answer_is_asked_once(made: list[str], hub: Any) -> None:
    """timm is not called: the Hub's client would try for most of a minute."""
    hub.failure = OSError("no such host\nat all")
    with pytest.raises(UserError, match=r"^backbone\.weights: .*'resnet18'.*no such host; ") as caught:
        create_backbone("resnet18", weights="imagenet")
    assert caught.value.__cause__ is hub.failure
    assert made == []


def test_a_hub_that_never_answers(made: list[str], hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    monkeypatch.setattr(hub, "head", lambda url, timeout: waiting.wait(30))
    monkeypatch.setattr(hub_module, "SECONDS_TO_ANSWER", 0.01)
    with pytest.raises(UserError, match=r"^backbone\.weights: .*0\.01 seconds"):
        create_backbone("resnet18", weights="imagenet")
    waiting.set()
    assert made == []


def test_what_is_cached_needs_no_hub(made: list[str], hub: Any) -> None:
    hub.failure, hub.cached = OSError("no such host"), "/cache/model.safetensors"
    with pytest.raises(UserError):
        create_backbone("resnet18", weights="imagenet")
    assert made == ["resnet18"]


def test_weights_that_timm_fails_to_load(made: list[str], hub: Any) -> None:
    with pytest.raises(UserError, match=r"^backbone\.weights: .*'resnet18'.*no network; .*a file") as caught:
        create_backbone("resnet18", weights="imagenet")
    assert "at all" not in str(caught.value)


def test_a_network_without_weights(made: list[str], hub: Any) -> None:
    with pytest.raises(UserError, match=r"^backbone\.weights: .*'resnet200'"):
        create_backbone("resnet200", weights="imagenet")
    assert made == []


@pytest.mark.parametrize(
    "name", ["vit_small_patch14_dinov2.lvd142m", "vit_small_patch14_reg4_dinov2.lvd142m"]
)
def test_weights_of_a_tag_at_another_image_size(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a cache of the Hub, made on the spot; timm resamples the positions."""
    options = {"embed_dim": 32, "depth": 2, "num_heads": 2}
    published = create_backbone(name, image_size=56, options=options)
    repository = str(timm.models.get_pretrained_cfg(name).hf_hub_id).replace("/", "--")
    folder = tmp_path / f"models--{repository}"
    (folder / "snapshots" / "1").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("1")
    save_weights(published, folder / "snapshots" / "1" / "model.safetensors")
    for module in (huggingface_hub.constants, huggingface_hub.file_download):  # older ones have a copy
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    network = create_backbone(name, weights="imagenet", image_size=42, options=options)
    assert network.pos_embed.shape[1] == published.pos_embed.shape[1] - 16 + 9
    assert not torch.equal(network.pos_embed[:, -9:], published.pos_embed[:, -9:])
    for key, tensor in published.state_dict().items():
        assert key == "pos_embed" or torch.equal(network.state_dict()[key], tensor), key
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 42, 42)).isfinite().all()
