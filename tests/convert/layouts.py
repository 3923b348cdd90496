"""Published layouts in miniature: towers of a few random numbers, saved as their authors save them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from egma.compat import ensure_torchvision

WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "there", "is", "a", "no", "left", "right"),
    *("pleural", "effusion", "pneumothorax", "lung", "heart", "clear", ".", ","),
)
SWIN = {
    "model_type": "swin",
    "image_size": 64,
    "patch_size": 2,
    "embed_dim": 8,
    "depths": [1, 1, 2, 1],
    "num_heads": [1, 2, 2, 4],
    "window_size": 4,
}
BERT = {
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 5,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 96,
    "_name_or_path": "/somebody/else",
}
EMBED_DIM = 24
# transformers 5 -> 4, as files of 2022 to 2024 spell a Swin
_OLD_NAMES = (
    ("attention.q_proj.", "attention.self.query."),
    ("attention.k_proj.", "attention.self.key."),
    ("attention.v_proj.", "attention.self.value."),
    ("attention.o_proj.", "attention.output.dense."),
    ("attention.relative_position_bias.relative_position_bias_table", "attention.self.relative_position_bias_table"),
    ("mlp.fc1.", "intermediate.dense."),
    ("mlp.fc2.", "output.dense."),
)


def build_swin(seed: int = 0, **changes: Any) -> Any:
    ensure_torchvision()
    from transformers import SwinConfig, SwinModel

    torch.manual_seed(seed)
    return _shaken(SwinModel(SwinConfig(**{**SWIN, **changes})))


def build_bert(seed: int = 1, **changes: Any) -> Any:
    ensure_torchvision()
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    return _shaken(BertModel(BertConfig(**{**BERT, **changes})))


def build_resnet(seed: int = 2) -> Any:
    ensure_torchvision()
    from torchvision.models import resnet50

    torch.manual_seed(seed)
    trunk = resnet50(weights=None)
    trunk.fc = nn.Linear(trunk.fc.in_features, EMBED_DIM, bias=False)
    return trunk.eval()


def write_towers(folder: Path) -> tuple[Path, Path]:
    """Folders as a reader has them: the Swin's config.json; the BERT's config.json and vocab.txt."""
    image, text = folder / "swin", folder / "clinicalbert"
    for tower, settings in ((image, SWIN), (text, BERT)):
        tower.mkdir(parents=True)
        (tower / "config.json").write_text(json.dumps(settings))
    (text / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return image, text


def swin_tensors(swin: Any, old_names: bool) -> dict[str, Tensor]:
    """`vision_model.model.*` as published."""
    tensors = {}
    for name, tensor in swin.state_dict().items():
        spelled = name
        for new, old in _OLD_NAMES if old_names else ():
            spelled = spelled.replace(new, old)
        tensors[f"vision_model.model.{spelled}"] = tensor
    if old_names:
        key = "vision_model.model.encoder.layers.0.blocks.0.attention.self.relative_position_index"
        tensors[key] = torch.zeros(16, 16, dtype=torch.long)
    return tensors


def text_tensors(bert: Any) -> dict[str, Tensor]:
    """`text_model.*` as published: the pooler is in it, and in older files the positions."""
    tensors = {f"text_model.model.{name}": tensor for name, tensor in bert.state_dict().items()}
    tensors["text_model.model.embeddings.position_ids"] = torch.arange(BERT["max_position_embeddings"])[None]
    tensors["text_model.projection_head.weight"] = _noise(EMBED_DIM, BERT["hidden_size"])
    return tensors


def vit_tensors(family: str, *, old_names: bool = True) -> dict[str, Tensor]:
    """A whole MedCLIP-ViT or EGMA file."""
    width = SWIN["embed_dim"]
    tensors = swin_tensors(build_swin(), old_names) | text_tensors(build_bert())
    tensors["vision_model.projection_head.weight"] = _noise(EMBED_DIM, width * 8)
    tensors["logit_scale"] = torch.tensor(2.5)
    if family == "egma":
        tensors["vision_model.projection_head1.weight"] = _noise(EMBED_DIM, width * 2)
        tensors["vision_model.projection_head2.weight"] = _noise(EMBED_DIM, width * 4)
        tensors["word_local_atten_layer.in_proj_weight"] = _noise(3 * EMBED_DIM, EMBED_DIM)
    return tensors


def resnet_tensors() -> dict[str, Tensor]:
    """A whole MedCLIP-ResNet file."""
    trunk = build_resnet()
    tensors = {f"vision_model.model.{name}": tensor for name, tensor in trunk.state_dict().items()}
    return tensors | text_tensors(build_bert()) | {"logit_scale": torch.tensor(2.5)}


def write_clip_folder(folder: Path, clip: nn.Module, settings: dict[str, Any], *, as_bin: bool = False) -> Path:
    """A model in open_clip's hub layout."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"model_cfg": settings, "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in clip.state_dict().items()}
    if as_bin:
        torch.save(tensors, folder / "open_clip_pytorch_model.bin")
    else:
        save_file(tensors, folder / "open_clip_model.safetensors")
    return folder


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape) / shape[-1] ** 0.5


def _shaken(model: Any) -> Any:
    """Every tensor far from its start, so that a swapped or forgotten one shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()
