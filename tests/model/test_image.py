"""Image towers: shapes, token order, and equality with the libraries' own forward passes."""

from __future__ import annotations

import pytest
import torch

from egma.config import ImageTowerConfig
from egma.errors import CheckpointError
from egma.model.image import TimmImageTower, build_hf_image_tower, load_trunk_in_order, tokens_to_grid

SWIN = {"embed_dim": 12, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 4], "window_size": 7}
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "patch_size": 16}


def tower_config(kind: str, name: str, px: int = 224, **settings: object) -> ImageTowerConfig:
    return ImageTowerConfig(kind=kind, name=name, input_px=px, mean=(0.5,) * 3, std=(0.5,) * 3, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "stages", "shapes"),
    [
        ("resnet10t", (3, 4), [(256, 14, 14), (512, 7, 7)]),
        ("tf_efficientnet_lite0", (3, 4), [(112, 14, 14), (320, 7, 7)]),
        ("swin_tiny_patch4_window7_224", (1, 2, 3), [(192, 28, 28), (384, 14, 14), (768, 7, 7)]),
        ("vit_tiny_patch16_224", (11,), [(192, 14, 14)]),
    ],
)
def test_timm_stages_are_channels_first_and_finest_first(
    name: str, stages: tuple[int, ...], shapes: list[tuple[int, int, int]]
) -> None:
    tower = TimmImageTower(tower_config("timm", name, stages=stages)).eval()
    with torch.inference_mode():
        found = tower(torch.randn(1, 3, 224, 224))
    assert [tuple(stage.shape[1:]) for stage in found.stages] == shapes
    assert tower.channels == tuple(shape[0] for shape in shapes)
    torch.testing.assert_close(found.pooled, found.stages[-1].mean(dim=(2, 3)))


def test_swin_tokens_keep_their_rows_and_columns() -> None:
    from transformers.models.swin.modeling_swin import SwinModel

    tower = build_hf_image_tower(tower_config("hf", "swin", options=SWIN, stages=(1, 2, 3))).eval()
    plain = SwinModel(tower.trunk.config).eval()
    plain.load_state_dict(tower.trunk.state_dict())
    pixels = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        found = tower(pixels)
        wanted = plain(pixels, output_hidden_states=True)
    assert [tuple(stage.shape[1:]) for stage in found.stages] == [(24, 28, 28), (48, 14, 14), (96, 7, 7)]
    torch.testing.assert_close(found.stages[-1][1, :, 2, 5], wanted.last_hidden_state[1, 2 * 7 + 5])
    torch.testing.assert_close(found.stages[0][0, :, 3, 4], wanted.hidden_states[1][0, 3 * 28 + 4])
    torch.testing.assert_close(found.pooled, wanted.pooler_output)


def test_vit_drops_the_class_token_from_the_grid_and_pools_it() -> None:
    tower = build_hf_image_tower(tower_config("hf", "vit", 64, options=VIT)).eval()
    pixels = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        found, tokens = tower(pixels), tower.trunk(pixels).last_hidden_state
    assert found.stages[0].shape == (1, 16, 4, 4)
    torch.testing.assert_close(found.stages[0][0, :, 1, 2], tokens[0, 1 + 1 * 4 + 2])
    torch.testing.assert_close(found.pooled, tokens[:, 0])


def test_a_bright_corner_changes_its_own_corner_most() -> None:
    tower = TimmImageTower(tower_config("timm", "tf_efficientnet_lite0", 160, stages=(3, 4))).eval()
    dark, bright = torch.zeros(1, 3, 160, 160), torch.zeros(1, 3, 160, 160)
    bright[..., :32, 128:] = 1.0
    with torch.inference_mode():
        change = (tower(bright).stages[0] - tower(dark).stages[0]).abs().sum(dim=1)[0]
    rows, columns = change.shape
    quarters = change[: rows // 2, columns // 2 :].mean(), change[rows // 2 :, : columns // 2].mean()
    assert quarters[0] > 2 * quarters[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "timm", "name": "no_such_network"}, "knows no"),
        ({"kind": "timm", "name": "resnet10t", "options": {"checkpoint_path": "x"}}, "checkpoint_path"),
        ({"kind": "timm", "name": "resnet10t", "stages": (9,)}, "cannot build"),
        ({"kind": "hf", "name": "gpt"}, "swin or vit"),
        ({"kind": "hf", "name": "swin", "options": SWIN, "stages": (3, 1)}, "image.stages"),
    ],
)
def test_a_tower_that_cannot_be_built_is_named(settings: dict[str, object], words: str) -> None:
    config = tower_config(px=224, **settings)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=words):
        (TimmImageTower if config.kind == "timm" else build_hf_image_tower)(config)


def test_tokens_that_are_no_square_are_refused() -> None:
    with pytest.raises(CheckpointError, match="50 patch tokens"):
        tokens_to_grid(torch.zeros(1, 50, 4))


def test_weights_in_order_are_copied_and_a_wrong_shape_is_named() -> None:
    trunk = torch.nn.Linear(2, 3).requires_grad_(False)
    load_trunk_in_order(trunk, {"a": torch.ones(3, 2), "b": torch.full((3,), 2.0), "head": torch.zeros(7)})
    assert float(trunk.weight.sum()) == 6.0
    assert float(trunk.bias.sum()) == 6.0
    with pytest.raises(CheckpointError, match="b has shape"):
        load_trunk_in_order(trunk, {"a": torch.ones(3, 2), "b": torch.ones(4)})
    with pytest.raises(CheckpointError, match="at least 2"):
        load_trunk_in_order(trunk, {"a": torch.ones(3, 2)})
