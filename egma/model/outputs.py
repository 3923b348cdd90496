"""What towers and the model hand on: features before projection, unit vectors after it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """A trunk's features of B films, before projection.

    Attributes:
        stages: finest grid first; each (B, C_i, gh_i, gw_i), row 0 at the top. Class tokens are not in it.
        pooled: (B, C) of the trunk's own pooling.
    """

    stages: tuple[Tensor, ...]
    pooled: Tensor


@dataclass(frozen=True, eq=False)
class ImageOutput:
    """Unit vectors of B films.

    Attributes:
        globals: float32 (B, D).
        grids: finest first; each float32 (B, gh, gw, D).
    """

    globals: Tensor
    grids: tuple[Tensor, ...]

    def patches(self, grid: int = 0) -> Tensor:
        """One grid as a list of patches, row by row: (B, N, D) with N = gh * gw."""
        return self.grids[grid].flatten(1, 2)


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """T texts as tokens, padded to one length.

    Attributes:
        ids: int64 (T, L).
        mask: bool (T, L), False where padding.
    """

    ids: Tensor
    mask: Tensor

    def to(self, device: object) -> TokenBatch:
        """The same tokens on another device."""
        return TokenBatch(self.ids.to(device), self.mask.to(device))  # type: ignore[call-overload]
