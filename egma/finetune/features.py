"""What frozen towers say, computed once: a film's stages in float16, a sentence's pooled state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from egma.finetune.pixels import Pixels
from egma.model.egma import EgmaModel
from egma.model.outputs import ImageFeatures, TokenBatch

CACHE_BYTES = 2_000_000_000
_FILMS_A_RUN = 16
_TEXTS_A_RUN = 64


@dataclass(frozen=True, eq=False)
class FilmTable:
    """Features of F films.

    Attributes:
        stages: float16 (F, C, g, g) each, finest first.
        pooled: float16 (F, C).
    """

    stages: tuple[Tensor, ...]
    pooled: Tensor

    def pick(self, places: Sequence[int], device: torch.device) -> ImageFeatures:
        """Some films' features in float32, on a device."""
        rows = torch.as_tensor(list(places))
        stages = tuple(stage[rows].to(device).float() for stage in self.stages)
        return ImageFeatures(stages, self.pooled[rows].to(device).float())


class TextTable:
    """Every sentence of a run once: as features where the text tower is frozen, else as tokens.

    Attributes:
        texts: the sentences, in the table's order.
    """

    def __init__(self, model: EgmaModel, texts: Sequence[str], *, frozen: bool) -> None:
        self.texts = tuple(dict.fromkeys(texts))
        self._rows = {text: row for row, text in enumerate(self.texts)}
        self._pad_id = int(cast(Any, model.text).pad_id)
        self._tokens: list[list[int]] = cast(Any, model.text).tokenize(self.texts) if self.texts else []
        self._features = self._embed(model) if frozen else None

    def row(self, text: str) -> int:
        """Where a sentence stands."""
        return self._rows[text]

    def pick(self, rows: Sequence[int], device: torch.device) -> Tensor | TokenBatch:
        """Some sentences as (T, width) features or as tokens."""
        from egma.model.text import pad_tokens

        if self._features is not None:
            return self._features[torch.as_tensor(list(rows), dtype=torch.long)].to(device)
        return pad_tokens([self._tokens[row] for row in rows], self._pad_id).to(device)

    def _embed(self, model: EgmaModel) -> Tensor:
        """float32 (V, width), sentences of like length together."""
        from egma.model.text import pad_tokens

        device, found = model.logit_scale.device, {}
        order = sorted(range(len(self._tokens)), key=lambda row: (len(self._tokens[row]), row))
        with torch.inference_mode():
            for start in range(0, len(order), _TEXTS_A_RUN):
                rows = order[start : start + _TEXTS_A_RUN]
                batch = pad_tokens([self._tokens[row] for row in rows], self._pad_id).to(device)
                found.update(zip(rows, model.text(batch).float().cpu()))
        width = int(cast(Any, model.text).width)
        table = torch.stack([found[row] for row in range(len(order))]) if order else torch.zeros(0, width)
        return table.clone()  # out of inference mode, so that a graph may start from it


def embed_films(
    model: EgmaModel, pixels: Pixels, count: int, note: Callable[[int], None] = lambda done: None
) -> FilmTable | None:
    """Features of all films by the model's tower as it is; None where they would not fit into `CACHE_BYTES`.

    Args:
        model: its image tower is used.
        pixels: reads the films.
        count: F.
        note: told how many are done.
    """
    first = _run(model, pixels, range(min(1, count)))
    size = sum(part[0].numel() for part in (*first.stages, first.pooled)) * 2 * count
    if size > CACHE_BYTES:
        return None
    stages = [torch.zeros((count, *stage.shape[1:]), dtype=torch.float16) for stage in first.stages]
    pooled = torch.zeros((count, first.pooled.shape[1]), dtype=torch.float16)
    for start in range(0, count, _FILMS_A_RUN):
        places = range(start, min(start + _FILMS_A_RUN, count))
        found = _run(model, pixels, places)
        for table, stage in zip(stages, found.stages):
            table[start : start + len(places)] = stage.half().cpu()
        pooled[start : start + len(places)] = found.pooled.half().cpu()
        note(places.stop)
    return FilmTable(tuple(stages), pooled)


def to_unit_range(films: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (B, S, S) -> float32 in [0, 1] on a device."""
    return torch.from_numpy(films).to(device).float() / 255


def _run(model: EgmaModel, pixels: Pixels, places: Sequence[int]) -> ImageFeatures:
    with torch.inference_mode():
        films = model.normalize(to_unit_range(pixels.read(places), model.logit_scale.device))
        return model.image(films.contiguous(memory_format=torch.channels_last))
