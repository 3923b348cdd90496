"""The tokenizer of open_clip models that come with a tokenizer.json instead of CLIP's own vocabulary (SigLIP)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from egma.errors import CheckpointError

_CLEANINGS = ("whitespace", "lower", "canonicalize")
_SEPARATOR = "[SEP]"


class HubTokenizer:
    """Rows of token ids as long as the context, as open_clip's `HFTokenizer` gives them."""

    def __init__(self, path: Path, context: int, options: dict[str, Any], pad_token: str | None) -> None:
        """Read the tokenizer.

        Args:
            path: tokenizer.json.
            context: tokens a row.
            options: open_clip's `tokenizer_kwargs`: "clean" and "strip_sep_token".
            pad_token: fills rows up; None = the id 0.
        """
        from open_clip.tokenizer import get_clean_fn
        from tokenizers import Tokenizer

        clean = options.get("clean", "whitespace")
        if clean not in _CLEANINGS:
            raise CheckpointError(f"config.json: tokenizer_kwargs.clean: wanted one of {_CLEANINGS}, got {clean!r}")
        self._clean = get_clean_fn(clean)
        self._tokenizer = Tokenizer.from_file(str(path))
        pad_id = self._tokenizer.token_to_id(pad_token) if pad_token else 0
        if pad_id is None:
            raise CheckpointError(f"config.json: the tokenizer knows no token {str(pad_token)[:40]!r} to pad with")
        self._tokenizer.enable_truncation(context)
        self._tokenizer.enable_padding(length=context, pad_id=pad_id, pad_token=pad_token or "[PAD]")
        strip = bool(options.get("strip_sep_token", False))
        self._separator = self._tokenizer.token_to_id(_SEPARATOR) if strip else None

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """int64 (T, context)."""
        cleaned = [self._clean(text) for text in texts]
        ids = torch.tensor([encoding.ids for encoding in self._tokenizer.encode_batch(cleaned)], dtype=torch.long)
        return ids if self._separator is None else ids.masked_fill(ids == self._separator, 0)
