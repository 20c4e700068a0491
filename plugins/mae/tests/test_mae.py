"""MAE is lightly's own loop on the same masks, and says which networks and images it can't take."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from helpers.methods import tiny_context
from lightly.models import utils
from lightly.models.modules.masked_vision_transformer_timm import MaskedVisionTransformerTIMM
from ssltoolbox_mae import MAEOptions
from ssltoolbox_mae.method import MAE
from torch import Tensor, nn

from ssltoolbox.api import Rows, Setting, StepInputs, UserError

COUNT, SIZE, PATCH, STEPS = 4, 24, 6, 20
OPTIONS = MAEOptions(decoder_dim=16, decoder_depth=1, decoder_heads=2)
VIEWS = torch.randn(STEPS, COUNT, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(7))


def network(name: str = "test_vit", **options: Any) -> nn.Module:
    torch.manual_seed(0)
    given = {"img_size": SIZE, "patch_size": PATCH, "depth": 2} | options
    return timm.create_model(name, num_classes=0, **given)


def build(backbone: nn.Module | None = None, image_size: int = SIZE, **changes: Any) -> MAE:
    context = tiny_context(
        backbone=backbone or network(),
        feature_dim=64,
        instances=COUNT,
        steps=STEPS,
        backbone_name="some_vit",
        image_size=image_size,
    )
    return MAE(OPTIONS.model_copy(update=changes), context)


def inputs(step: int, view: Tensor) -> StepInputs:
    draw = torch.arange(len(view))
    return StepInputs(view, None, Rows(draw, draw, draw, draw.double()), step)


def trained(modules: list[nn.Module], loss_of: Any) -> list[float]:
    """The losses of twenty steps; masks are drawn from torch's generator."""
    parameters = {p for module in modules for p in module.parameters() if p.requires_grad}
    optimiser = torch.optim.SGD(parameters, lr=0.05, momentum=0.9)
    losses = []
    for step, view in enumerate(VIEWS):
        torch.manual_seed(step)
        loss = loss_of(step, view)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def test_twenty_steps_are_those_of_a_plain_lightly_loop() -> None:
    method, twin = build(), build()
    twin.load_state_dict(method.state_dict())
    encoder = MaskedVisionTransformerTIMM(
        twin.backbone, weight_initialization="skip", pos_embed_initialization="skip"
    )

    def plain(step: int, view: Tensor) -> Tensor:
        seen, masked = utils.random_token_mask((COUNT, 16), 0.75, mask_class_token=True)
        seen, masked = torch.cat([torch.zeros(COUNT, 1, dtype=torch.long), seen + 1], dim=1), masked + 1
        encoded = twin.embed(encoder.encode(view, idx_keep=seen))
        hidden = utils.repeat_token(twin.decoder.mask_token, (COUNT, 17))
        decoded = twin.decoder(utils.set_at_index(hidden, seen, encoded))
        predicted = twin.predict(utils.get_at_index(decoded, masked))
        target = utils.get_at_index(utils.patchify(view, PATCH), masked - 1)
        mean, variance = target.mean(dim=2, keepdim=True), target.var(dim=2, keepdim=True)
        return F.mse_loss(predicted, (target - mean) / (variance + 1e-6).sqrt())

    ours = trained([method], lambda step, view: method.step(inputs(step, view)).loss)
    theirs = trained([twin], plain)
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), rtol=1e-5, atol=1e-6)
    assert ours[-1] != ours[0]


def test_a_quarter_of_the_patches_is_seen() -> None:
    seen, masked = build().random_patches(COUNT, torch.device("cpu"))
    assert seen.shape == (COUNT, 4)
    assert all(sorted(row) == list(range(16)) for row in torch.cat([seen, masked], dim=1).tolist())


def test_what_is_masked_does_not_reach_the_encoder() -> None:
    method = build().eval()
    seen = torch.tensor([[0, 5, 6, 15]])
    image = VIEWS[0][:1]
    other = image.clone()
    other[..., :PATCH, PATCH : 2 * PATCH] = 9.0  # patch 1, which is masked
    torch.testing.assert_close(method.encode(image, seen), method.encode(other, seen))
    other[..., :PATCH, :PATCH] = 9.0  # patch 0, which is seen
    assert not torch.allclose(method.encode(image, seen), method.encode(other, seen))


def test_all_patches_seen_give_the_features_of_the_backbone() -> None:
    method = build().eval()
    every = torch.arange(16).expand(COUNT, -1)
    tokens = method.encode(VIEWS[0], every)
    torch.testing.assert_close(method.backbone.forward_head(tokens), method.backbone(VIEWS[0]))


def test_targets_are_standardised_over_a_patch_an_image_or_nothing() -> None:
    image = VIEWS[0] * 3 + 1
    by_patch, by_image, plain = (build(normalise=what).targets(image) for what in ("patch", "image", "none"))
    torch.testing.assert_close(by_patch.std(dim=2), torch.ones(COUNT, 16), atol=1e-3, rtol=0)
    torch.testing.assert_close(by_image.flatten(1).std(dim=1), torch.ones(COUNT), atol=1e-3, rtol=0)
    assert by_image.mean(dim=2).abs().max() > 0.01
    torch.testing.assert_close(plain, utils.patchify(image, PATCH))


@pytest.mark.parametrize("normalise", ["patch", "none"])
def test_pictures_of_a_perfect_decoder_are_the_images(
    normalise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = build(normalise=normalise).eval()
    image = VIEWS[0]
    monkeypatch.setattr(method, "decode", lambda tokens, seen: method.targets(image))
    shown, seen, rebuilt = method.pictures(inputs(0, image)).columns.values()
    torch.testing.assert_close(shown, image)
    torch.testing.assert_close(rebuilt, image, atol=1e-5, rtol=0)
    assert (seen == 0).all(dim=1).float().mean(dim=(1, 2)).tolist() == [0.75] * COUNT


@pytest.mark.parametrize(
    "options",
    [
        {"dynamic_img_size": True, "img_size": 48},
        {"class_token": False, "global_pool": "avg"},
        {"reg_tokens": 2},
    ],
    ids=["any-size", "no-class-token", "registers"],
)
def test_variants_of_vision_transformers_learn(options: dict[str, Any]) -> None:
    """Every parameter that is optimised gets a gradient."""
    method = build(network(**options))
    output = method.step(inputs(0, VIEWS[0]))
    output.loss.backward()
    assert output.features.shape == (COUNT, 64)
    assert [n for n, p in method.named_parameters() if p.requires_grad and p.grad is None] == []


def test_a_border_that_patches_do_not_cover_is_no_target() -> None:
    method = build(network(img_size=27), image_size=27)
    assert method.targets(torch.randn(2, 3, 27, 27)).shape == (2, 16, 3 * PATCH**2)


@pytest.mark.parametrize(
    ("backbone", "said"),
    [
        (lambda: timm.create_model("test_resnet", num_classes=0), "vision transformer"),
        (lambda: network(patch_size=(6, 4)), "square"),
        (lambda: network(patch_drop_rate=0.5), "patch_drop_rate"),
        (lambda: network(class_token=False, global_pool="map"), "attention"),
        (lambda: network(patch_size=24), "24 pixels"),
    ],
)
def test_networks_that_mae_cannot_train(backbone: Any, said: str) -> None:
    with pytest.raises(UserError, match="mae") as caught:
        build(backbone())
    assert said in caught.value.message


@pytest.mark.parametrize(("heads", "advice"), [(16, []), (24, ["write decoder_heads: 16"])])
def test_heads_that_do_not_divide_the_decoder(heads: int, advice: list[str]) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0)
    assert [problem.hint for problem in MAEOptions(decoder_heads=heads).problems(setting)] == advice
