"""Image and text towers from open_clip, with patch tokens brought through the model's own projection.

CLIP was trained on the pooled token alone. Patch tokens go through the same last norm and projection as that token;
where pooling is attention (CLIP's ResNets, SigLIP), each place is pooled as if it were alone, which leaves the pool's
value and output projections (as in MaskCLIP, Zhou et al. 2022). Each tower builds its own half of the model only.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egma.compat import ensure_torchvision
from egma.config import ImageTowerConfig, TextTowerConfig
from egma.errors import CheckpointError
from egma.model.files import locate_files
from egma.model.image import tokens_to_grid
from egma.model.outputs import ImageFeatures, TokenBatch
from egma.model.towers import ImageTower, TextTower

# Stand in for the half that a tower does not need, so that it costs nothing and no hub is asked for it.
_NO_TEXT = {"context_length": 8, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1}
_NO_VISION = {"image_size": 16, "patch_size": 16, "width": 8, "head_width": 8, "layers": 1}


class OpenClipImageTower(ImageTower):
    """The visual half of an open_clip model; stages and pooled are in its embedding space already (heads: "own")."""

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        settings = {**_read_settings(config.name, config.options), "text_cfg": _NO_TEXT}
        clip, embed_dim = build_clip(config.name, {"model_cfg": settings}, config.input_px)
        self.trunk: Any = clip.visual
        self._read = _reader_of(self.trunk)
        self.channels, self.pooled_width = (embed_dim,), embed_dim

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Projected features of normalised pixels (B, 3, S, S)."""
        grid, pooled = self._read(self.trunk, pixels)
        return ImageFeatures((grid,), pooled)


class OpenClipTextTower(TextTower):
    """The text half of an open_clip model; it projects by itself (projection: "own").

    Its tokenizer is CLIP's own, or the tokenizer.json that `config.source` names.
    """

    def __init__(self, config: TextTowerConfig, folder: Path | None = None) -> None:
        super().__init__()
        settings = {**_read_settings(config.name, config.options), "vision_cfg": _NO_VISION, "custom_text": True}
        clip, self.width = build_clip(config.name, {"model_cfg": settings}, None)
        self.trunk: Any = clip.text
        self._tokenize = _build_tokenizer(config, settings["text_cfg"], int(clip.context_length), folder)
        self._frozen = not config.trained
        if self._frozen:
            self.trunk.requires_grad_(False)

    @property
    def pad_id(self) -> int:
        """Never used: every row is as long as the context, and the model finds the end of a text by itself."""
        return 0

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, every row as long as the model's context."""
        return self._tokenize(list(texts)).tolist()

    def forward(self, batch: TokenBatch) -> Tensor:
        """Projected vectors (T, width), not yet unit."""
        return self.trunk(batch.ids)


def build_clip(name: str, options: dict[str, Any], input_px: int | None) -> tuple[Any, int]:
    """An open_clip model without weights, from its built-in settings or `options["model_cfg"]`, and its width."""
    settings = _read_settings(name, options)
    custom_text = settings.pop("custom_text", False)
    if "timm_model_name" in settings["vision_cfg"]:
        settings["vision_cfg"]["timm_model_pretrained"] = False
    settings["text_cfg"]["hf_model_pretrained"] = False
    if input_px is not None:
        settings["vision_cfg"]["image_size"] = input_px
    import open_clip

    kind = open_clip.CustomTextCLIP if custom_text or not _is_plain(settings) else open_clip.CLIP
    try:
        return kind(**settings), int(settings["embed_dim"])
    except (TypeError, ValueError, RuntimeError, AssertionError, OSError) as error:
        raise CheckpointError(f"open_clip cannot build {name!r} as config.json asks: {str(error)[:120]}") from error


def _read_settings(name: str, options: dict[str, Any]) -> dict[str, Any]:
    ensure_torchvision()
    import open_clip

    settings = copy.deepcopy(options.get("model_cfg")) or open_clip.get_model_config(name)
    if settings is None:
        raise CheckpointError(f"config.json: this open_clip {open_clip.__version__} knows no model {name!r}")
    return settings


def _is_plain(settings: dict[str, Any]) -> bool:
    vision, text = settings["vision_cfg"], settings["text_cfg"]
    return "hf_model_name" not in text and "timm_model_name" not in vision and "init_logit_bias" not in settings


def _build_tokenizer(config: TextTowerConfig, settings: dict[str, Any], context: int, folder: Path | None) -> Any:
    import open_clip

    if config.source is not None:
        from egma.model.hub_tokenizer import HubTokenizer

        path = locate_files(config.source, folder, ("tokenizer.json",))["tokenizer.json"]
        return HubTokenizer(path, context, settings.get("tokenizer_kwargs") or {}, config.options.get("pad_token"))
    if settings.get("hf_tokenizer_name"):
        raise CheckpointError(
            f"the open_clip model {config.name!r} uses a tokenizer from a hub; import it with `convert open-clip`"
        )
    return open_clip.SimpleTokenizer(context_length=context, **(settings.get("tokenizer_kwargs") or {}))


def _reader_of(visual: Any) -> Any:
    if hasattr(visual, "attnpool"):
        return _read_resnet
    if hasattr(visual, "trunk"):
        if hasattr(visual.head, "pool"):
            raise CheckpointError("open_clip models that pool a timm network's map by attention are not read here")
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
    if features.ndim == 4:  # each place goes through the head as if the pooled vector were that place
        return _read_places(visual, features), pooled
    tokens = features[:, getattr(trunk, "num_prefix_tokens", 1) :]
    if getattr(trunk, "attn_pool", None) is not None:
        alone = trunk.forward_head(tokens.reshape(-1, 1, tokens.shape[-1]))
        return tokens_to_grid(visual.head(alone).reshape(*tokens.shape[:2], -1)), pooled
    norm, head = getattr(trunk, "fc_norm", nn.Identity()), getattr(trunk, "head", nn.Identity())
    return tokens_to_grid(visual.head(head(norm(tokens)))), pooled


def _read_places(visual: Any, features: Tensor) -> Tensor:
    """(B, D, gh, gw) from a map that timm gives channels first, or last where the network says so (Swin)."""
    trunk = visual.trunk
    channels_last = str(getattr(trunk, "output_fmt", "NCHW")).endswith("NHWC")
    places = features if channels_last else features.permute(0, 2, 3, 1)
    batch, rows, columns, width = places.shape
    alone = places.reshape(-1, 1, 1, width) if channels_last else places.reshape(-1, width, 1, 1)
    vectors = visual.head(trunk.forward_head(alone)).reshape(batch, rows, columns, -1)
    return vectors.permute(0, 3, 1, 2)


def _read_resnet(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    features = visual.forward_intermediates(pixels, indices=1, intermediates_only=True)["image_intermediates"][0]
    pool = visual.attnpool
    places = features.permute(0, 2, 3, 1)
    vectors = pool.c_proj(pool.v_proj(places))
    return vectors.permute(0, 3, 1, 2), pool(features)
