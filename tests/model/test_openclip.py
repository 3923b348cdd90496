"""open_clip towers: the pooled vector is the library's own, patch tokens go through the same projection."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from egma.config import ImageTowerConfig, TextTowerConfig
from egma.errors import CheckpointError
from egma.model.openclip import OpenClipImageTower, OpenClipTextTower, build_clip
from egma.model.text import pad_tokens

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
VIT = {"embed_dim": 24, "vision_cfg": {"layers": 2, "width": 64, "patch_size": 16, "image_size": 64}, "text_cfg": TEXT}
RESNET = {
    "embed_dim": 24,
    "vision_cfg": {"layers": [1, 1, 1, 1], "width": 16, "patch_size": None, "image_size": 64},
    "text_cfg": TEXT,
}
CONVNEXT = {
    "embed_dim": 24,
    "vision_cfg": {"timm_model_name": "convnext_atto", "timm_pool": "", "timm_proj": "linear", "image_size": 64},
    "text_cfg": TEXT,
}


def image_tower(settings: dict[str, Any]) -> OpenClipImageTower:
    torch.manual_seed(0)
    config = ImageTowerConfig("open_clip", "own", 64, (0.5,) * 3, (0.5,) * 3, options={"model_cfg": settings})
    return OpenClipImageTower(config).eval()


@pytest.mark.parametrize(
    ("settings", "side"), [(VIT, 4), (RESNET, 2), (CONVNEXT, 2)], ids=["vit", "resnet", "convnext"]
)
def test_the_pooled_vector_is_open_clips_own(settings: dict[str, Any], side: int) -> None:
    tower = image_tower(settings)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        found, wanted = tower(pixels), tower.trunk(pixels)
    torch.testing.assert_close(found.pooled, wanted, atol=1e-5, rtol=1e-5)
    assert found.stages[0].shape == (2, 24, side, side)
    assert tower.channels == (24,)


def test_vit_patch_tokens_go_through_the_last_norm_and_projection_row_by_row() -> None:
    tower = image_tower(VIT)
    tower.trunk.output_tokens = True
    pixels = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        _, tokens = tower.trunk(pixels)
        found = tower(pixels)
        wanted = tokens[0, 1 * 4 + 2] @ tower.trunk.proj
    torch.testing.assert_close(found.stages[0][0, :, 1, 2], wanted, atol=1e-5, rtol=1e-5)


def test_text_vectors_are_open_clips_own() -> None:
    torch.manual_seed(0)
    options = {"model_cfg": VIT}
    tower = OpenClipTextTower(TextTowerConfig("open_clip", "own", projection="own", options=options)).eval()
    whole, width = build_clip("own", options, None)
    whole.load_state_dict(tower.trunk.state_dict(), strict=False)
    rows = tower.tokenize(["left effusion", "no"])
    with torch.inference_mode():
        wanted = whole.eval().encode_text(torch.tensor(rows))
        found = tower(pad_tokens(rows, tower.pad_id))
    assert width == tower.width == 24
    torch.testing.assert_close(found, wanted)
    assert not any(name.startswith("trunk.visual") for name in tower.state_dict())


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(CheckpointError, match="knows no model 'ViT-Z-99'"):
        build_clip("ViT-Z-99", {}, None)
