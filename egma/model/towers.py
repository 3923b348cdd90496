"""What the model needs of a tower, whichever library builds it: the two bases that every tower derives from."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from egma.model.outputs import ImageFeatures, TokenBatch


class ImageTower(nn.Module):
    """A film's features on one or more grids.

    Attributes:
        channels: widths of the stages, finest first.
        pooled_width: of the pooled vector.
    """

    channels: tuple[int, ...]
    pooled_width: int

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Features of normalised pixels (B, 3, S, S)."""
        raise NotImplementedError


class TextTower(nn.Module):
    """One vector a text, before projection.

    Attributes:
        width: of the vector.
    """

    width: int

    @property
    def pad_id(self) -> int:
        """The token that fills rows up."""
        return 0

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, special tokens included, not padded."""
        raise NotImplementedError

    def forward(self, batch: TokenBatch) -> Tensor:
        """Features (T, width) of tokenised texts."""
        raise NotImplementedError
