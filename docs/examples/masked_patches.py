"""A masked autoencoder in one file, after He et al., CVPR 2022; the toolbox's own method is `mae`."""

import torch
import torch.nn.functional as F
from pydantic import Field
from timm.models.vision_transformer import Block
from torch import nn

from ssltoolbox.api import MethodDescriptor, Options, StepOutput, hookimpl


class MaskedPatchesOptions(Options):
    """The settings of the masked autoencoder; the defaults are the paper's."""

    masked: float = Field(default=0.75, gt=0, lt=1)
    """Share of the patches that the encoder does not see."""
    decoder_dim: int = Field(default=512, ge=8, multiple_of=8)
    """Width of the decoder."""
    decoder_depth: int = Field(default=8, ge=1)
    """Number of blocks of the decoder."""


class MaskedPatches(nn.Module):
    """The encoder sees some patches of an image; a small decoder predicts the pixels of the others."""

    def __init__(self, options, context):
        super().__init__()
        self.backbone = encoder = context.backbone
        self.patch = encoder.patch_embed.patch_size[0]
        self.patches = encoder.patch_embed.num_patches
        self.seen = max(1, round(self.patches * (1 - options.masked)))
        dim = options.decoder_dim
        self.embed = nn.Linear(context.feature_dim, dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, encoder.num_prefix_tokens + self.patches, dim))
        self.decoder = nn.Sequential(*(Block(dim, num_heads=8) for _ in range(options.decoder_depth)))
        self.predict = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 3 * self.patch**2))

    def step(self, inputs):
        images = inputs.view_a
        order = torch.rand(len(images), self.patches, device=images.device).argsort(dim=1)
        encoded = self.encode(images, order[:, : self.seen])
        predicted = self.decode(encoded, order)
        target = self.cut(images)
        target = F.layer_norm(target, target.shape[2:])
        error = (predicted - target).square().mean(dim=2)
        masked = torch.ones_like(error).scatter(1, order[:, : self.seen], 0)
        loss = (error * masked).sum() / masked.sum()
        return StepOutput(loss, features=encoded[:, 0])

    def encode(self, images, seen):
        """[M, 3, S, S] and [M, n] patches that are seen → [M, prefix + n, feature_dim] tokens."""
        encoder = self.backbone

        def keep_seen(module, args, tokens):
            prefix, patches = tokens.split([encoder.num_prefix_tokens, self.patches], dim=1)
            patches = patches.gather(1, seen[:, :, None].expand(-1, -1, tokens.shape[2]))
            return torch.cat([prefix, patches], dim=1)

        # timm's vision transformers drop patches in this layer, before the first block.
        with encoder.patch_drop.register_forward_hook(keep_seen):
            return encoder.forward_features(images)

    def decode(self, encoded, order):
        """Tokens of the seen patches → [M, patches, 3·p²] pixels of all patches."""
        tokens = self.embed(encoded)
        prefix, seen = tokens.split([tokens.shape[1] - self.seen, self.seen], dim=1)
        hidden = self.mask_token.expand(len(seen), self.patches - self.seen, -1)
        shuffled = torch.cat([seen, hidden.to(seen.dtype)], dim=1)
        in_place = shuffled.gather(1, order.argsort(dim=1)[:, :, None].expand_as(shuffled))
        decoded = self.decoder(torch.cat([prefix, in_place], dim=1) + self.positions)
        return self.predict(decoded[:, -self.patches :]).float()

    def cut(self, images):
        """[M, 3, S, S] → [M, patches, 3·p²], in the order of the encoder's patches."""
        return F.unfold(images.float(), self.patch, stride=self.patch).transpose(1, 2)


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(
        name="masked_patches",
        summary="Predicts the pixels of masked patches (He et al. 2022).",
        options=MaskedPatchesOptions,
        target=f"{__name__}:MaskedPatches",
        negatives=None,
        inputs=frozenset(),
        whole_backbone=False,
        needs=frozenset({"backbone:vit"}),
        api=2,
    )
