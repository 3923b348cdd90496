"""Image and text towers from open_clip, with patch tokens brought through the model's own projection.

CLIP was trained on the pooled token alone. Patch tokens go through the same last norm and projection as that token;
where pooling is attention (CLIP's ResNets), each place goes through its value and output projections (as in MaskCLIP,
Zhou et al. 2022).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from egma.compat import ensure_torchvision
from egma.config import ImageTowerConfig, TextTowerConfig
from egma.errors import CheckpointError
from egma.model.image import tokens_to_grid
from egma.model.outputs import ImageFeatures, TokenBatch


class OpenClipImageTower(nn.Module):
    """The visual half of an open_clip model; stages and pooled are in its embedding space already (heads: "own")."""

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        clip, embed_dim = build_clip(config.name, config.options, config.input_px)
        self.trunk: Any = clip.visual
        self._read = _reader_of(self.trunk)
        self.channels, self.pooled_width = (embed_dim,), embed_dim

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Projected features of normalised pixels (B, 3, S, S)."""
        grid, pooled = self._read(self.trunk, pixels)
        return ImageFeatures((grid,), pooled)


class OpenClipTextTower(nn.Module):
    """The text half of an open_clip model with CLIP's own tokenizer; it projects by itself (projection: "own")."""

    def __init__(self, config: TextTowerConfig) -> None:
        super().__init__()
        clip, self.width = build_clip(config.name, config.options, None)
        clip.visual = None
        clip.logit_scale = None
        self.trunk: Any = clip
        self._context = int(clip.context_length)
        self._tokenizer = _build_tokenizer(config.name, self._context)
        self._frozen = not config.trained
        if self._frozen:
            self.trunk.requires_grad_(False)

    @property
    def pad_id(self) -> int:
        """CLIP pads with zeros up to its context; the model finds the end of a text by its end token."""
        return 0

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, every row as long as the model's context."""
        return self._tokenizer(list(texts)).tolist()

    def forward(self, batch: TokenBatch) -> Tensor:
        """Projected vectors (T, width), not yet unit."""
        return self.trunk.encode_text(batch.ids, normalize=False)


def build_clip(name: str, options: dict[str, Any], input_px: int | None) -> tuple[Any, int]:
    """An open_clip model without weights, from its built-in settings or `options["model_cfg"]`, and its width."""
    ensure_torchvision()
    import open_clip

    settings = copy.deepcopy(options.get("model_cfg")) or open_clip.get_model_config(name)
    if settings is None:
        raise CheckpointError(f"config.json: this open_clip {open_clip.__version__} knows no model {name!r}")
    settings.pop("custom_text", None)
    settings["vision_cfg"]["timm_model_pretrained"] = False
    settings["text_cfg"]["hf_model_pretrained"] = False
    if input_px is not None:
        settings["vision_cfg"]["image_size"] = input_px
    kind = open_clip.CLIP if _is_plain(settings) else open_clip.CustomTextCLIP
    try:
        return kind(**settings), int(settings["embed_dim"])
    except (TypeError, ValueError, RuntimeError, AssertionError, OSError) as error:
        raise CheckpointError(f"open_clip cannot build {name!r} as config.json asks: {str(error)[:120]}") from error


def _is_plain(settings: dict[str, Any]) -> bool:
    vision, text = settings["vision_cfg"], settings["text_cfg"]
    return "hf_model_name" not in text and "timm_model_name" not in vision and "init_logit_bias" not in settings


def _build_tokenizer(name: str, context: int) -> Any:
    import open_clip

    settings = open_clip.get_model_config(name) or {}
    if settings.get("text_cfg", {}).get("hf_tokenizer_name"):
        raise CheckpointError(f"the open_clip model {name!r} uses a hub tokenizer; give its text tower as kind hf")
    return open_clip.SimpleTokenizer(context_length=context)


def _reader_of(visual: Any) -> Any:
    if hasattr(visual, "attnpool"):
        return _read_resnet
    if hasattr(visual, "trunk"):
        return _read_timm
    if getattr(visual, "attn_pool", None) is not None:
        raise CheckpointError("open_clip models with attentional pooling (CoCa) keep no patch grid; choose another")
    return _read_vit


def _read_vit(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    found = visual.forward_intermediates(pixels, indices=1, normalize_intermediates=True)
    grid = found["image_intermediates"][0]
    if visual.proj is not None:
        grid = torch.einsum("bchw,cd->bdhw", grid, visual.proj)
    return grid, found["image_features"]


def _read_timm(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    trunk = visual.trunk
    features = trunk.forward_features(pixels)
    pooled = visual.head(trunk.forward_head(features))
    if features.ndim == 4:  # a CNN: each place goes through the head as if the pooled vector were that place
        batch, width, rows, columns = features.shape
        places = features.permute(0, 2, 3, 1).reshape(-1, width, 1, 1)
        vectors = visual.head(trunk.forward_head(places)).reshape(batch, rows, columns, -1)
        return vectors.permute(0, 3, 1, 2), pooled
    tokens = features[:, getattr(trunk, "num_prefix_tokens", 1) :]
    norm = getattr(trunk, "fc_norm", nn.Identity())
    return tokens_to_grid(visual.head(norm(tokens))), pooled


def _read_resnet(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    features = visual.forward_intermediates(pixels, indices=1, intermediates_only=True)["image_intermediates"][0]
    pool = visual.attnpool
    places = features.permute(0, 2, 3, 1)
    vectors = pool.c_proj(pool.v_proj(places))
    return vectors.permute(0, 3, 1, 2), pool(features)
