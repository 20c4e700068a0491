"""MAE on timm's vision transformers and lightly's decoder."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from lightly.models import utils
from lightly.models.modules.masked_vision_transformer_decoder_timm import MaskedVisionTransformerDecoderTIMM
from lightly.models.modules.masked_vision_transformer_timm import init_weights
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, Pictures, StepInputs, StepOutput, UserError
from ssltoolbox_mae import MAEOptions


class MAE(nn.Module):
    """The encoder sees some patches of side A, and a decoder predicts the pixels of the others.

    lightly's `MaskedVisionTransformerTIMM` is not used: it gives the encoder new weights or positions, and has a
    mask token that MAE does not use. The encoder keeps timm's positions, which are learned. The decoder's are
    fixed sines and cosines, as in the paper.
    """

    def __init__(self, options: MAEOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = _checked(context)
        self.patch = self.backbone.patch_embed.patch_size[0]
        self.side = context.image_size // self.patch
        self.masked = options.masked
        self.normalise = options.normalise
        self._check_mask(context.image_size)
        self.embed = nn.Linear(self.backbone.embed_dim, options.decoder_dim)
        self.decoder = MaskedVisionTransformerDecoderTIMM(
            self.side**2,
            options.decoder_dim,
            options.decoder_depth,
            options.decoder_heads,
            num_prefix_tokens=self.backbone.num_prefix_tokens,
        )
        self.predict = nn.Linear(options.decoder_dim, 3 * self.patch**2)
        for layer in (self.embed, self.predict):
            init_weights(layer)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] → the mean squared error of the masked patches."""
        images = inputs.view_a
        seen, masked = self.random_patches(len(images), images.device)
        tokens = self.encode(images, seen)
        predicted = utils.get_at_index(self.decode(tokens, seen), masked).float()
        loss = F.mse_loss(predicted, utils.get_at_index(self.targets(images), masked))
        return StepOutput(loss, features=self.backbone.forward_head(tokens, pre_logits=True))

    def random_patches(self, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Numbers of the seen and of the masked patches of each image, [count, seen] and [count, masked]."""
        return utils.random_token_mask(
            (count, self.side**2), self.masked, mask_class_token=True, device=device
        )

    def encode(self, images: Tensor, seen: Tensor) -> Tensor:
        """[M, 3, S, S] and [M, seen] → [M, prefix + seen, embed_dim] tokens."""
        encoder, prefix = self.backbone, self.backbone.num_prefix_tokens

        def keep_seen(module: nn.Module, args: Any, tokens: Tensor) -> Tensor:
            return torch.cat([tokens[:, :prefix], utils.get_at_index(tokens[:, prefix:], seen)], dim=1)

        # The layer between the positions and the first block, where timm drops patches too.
        with encoder.patch_drop.register_forward_hook(keep_seen):
            return encoder.forward_features(images)

    def decode(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """[M, prefix + seen, embed_dim] and [M, seen] → [M, patches, 3·p²] pixels of all patches."""
        prefix = self.backbone.num_prefix_tokens
        known = self.embed(tokens)
        at = torch.cat([torch.arange(prefix, device=seen.device).expand(len(seen), -1), prefix + seen], dim=1)
        hidden = self.decoder.mask_token.to(known.dtype).expand(len(known), self.decoder.sequence_length, -1)
        decoded = self.decoder(utils.set_at_index(hidden, at, known))
        return self.predict(decoded[:, prefix:])

    def pictures(self, inputs: StepInputs) -> Pictures:
        """Each image, its seen patches, and what is rebuilt from them.

        Where targets are standardised, the mean and the contrast of rebuilt patches are those of the image.
        """
        patches = self._patches(inputs.view_a)
        seen, masked = self.random_patches(len(patches), patches.device)
        mean, deviation = self._scale(patches)
        predicted = self.decode(self.encode(inputs.view_a, seen), seen).float() * deviation + mean
        hidden = utils.set_at_index(patches, masked, torch.zeros_like(predicted))
        rebuilt = utils.set_at_index(patches, masked, utils.get_at_index(predicted, masked))
        heading = "rebuilt" if self.normalise == "none" else "rebuilt (mean and contrast given)"
        columns = {"image": patches, "seen patches": hidden, heading: rebuilt}
        return Pictures({name: utils.unpatchify(each, self.patch) for name, each in columns.items()})

    def targets(self, images: Tensor) -> Tensor:
        """[M, 3, S, S] → [M, patches, 3·p²] pixels, standardised."""
        patches = self._patches(images)
        mean, deviation = self._scale(patches)
        return (patches - mean) / deviation

    def _patches(self, images: Tensor) -> Tensor:
        """[M, 3, S, S] → [M, patches, 3·p²]; a border that no patch covers is left out."""
        covered = self.side * self.patch
        return utils.patchify(images[..., :covered, :covered].float(), self.patch)

    def _scale(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation that targets are standardised by."""
        if self.normalise == "none":
            return patches.new_zeros(()), patches.new_ones(())
        dims = 2 if self.normalise == "patch" else (1, 2)
        return patches.mean(dims, keepdim=True), (patches.var(dims, keepdim=True) + 1e-6).sqrt()

    def _check_mask(self, image_size: int) -> None:
        """
        Raises:
            UserError: if no patch would be seen, or none masked.
        """
        patches = self.side**2
        if not 0 < int(patches * (1 - self.masked)) < patches:
            raise UserError(
                f"method mae: {self.masked:.0%} of the {patches} patches of {self.patch} pixels in images of "
                f"{image_size} pixels can't be masked: some must be seen, and some masked",
                "choose another views.size, a network with smaller patches, or another method.masked",
            )


def _checked(context: MethodContext) -> VisionTransformer:
    """The backbone, if it is a vision transformer that works on some of the patches too.

    Raises:
        UserError: otherwise.
    """
    network: Any = context.backbone
    if problem := _problem(network):
        raise UserError(
            f"method mae: the backbone {context.backbone_name!r} {problem}",
            "choose one such as vit_small_patch16_224",
        )
    network.fc_norm.requires_grad_(False)  # The norm of pooled patches, which MAE does not use.
    return network


def _problem(network: Any) -> str:
    """What makes a network unfit, as a clause; empty if nothing does."""
    if not isinstance(network, VisionTransformer) or not isinstance(network.patch_embed, PatchEmbed):
        return "is no plain vision transformer of timm"
    vit: Any = network
    if len(set(vit.patch_embed.patch_size)) > 1:
        return "has patches that are not square"
    if vit.attn_pool is not None:
        return "pools its patches by an attention that MAE would not train"
    if not isinstance(vit.patch_drop, nn.Identity):
        return "drops patches itself, by its option patch_drop_rate"
    return ""
