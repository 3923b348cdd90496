"""Lesions of films on a checkpoint's patch grid, and a decoder's answers drawn back at each film's own size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from egma.evaluation.segmentation import Decoder, PatchFilm
    from egma.evaluation.sets.films import Region
    from egma.evaluation.subjects import Progress
    from egma.inference.engine import Engine


def embed_lesions(engine: Engine, regions: Sequence[Region], progress: Progress) -> list[PatchFilm]:
    """Each film's patch vectors and how much of each patch its lesion covers."""
    import numpy as np

    from egma.evaluation.segmentation import PatchFilm
    from egma.evaluation.tasks.grounding import with_films

    films = []
    for region, study in with_films(regions, progress, "training regions"):
        patches = engine.embed_studies([study]).patches[0]
        geometry = engine.geometry(study)
        covered = geometry.image_to_model(region.mask(study.shape).astype(np.float32))
        grid = _to_grid(covered, patches.shape[0], patches.shape[1])
        grid[~geometry.seen_patches((patches.shape[0], patches.shape[1]))] = np.nan
        films.append(PatchFilm(patches, grid))
    return films


def fit_lesions(train: list[PatchFilm], validation: list[PatchFilm]) -> tuple[Decoder, Any]:
    """The decoder, and the mean lesion of the training films on the grid."""
    import numpy as np

    from egma.evaluation.segmentation import fit_decoder

    usual = np.mean([np.nan_to_num(film.share) for film in train], axis=0)
    return fit_decoder(train, validation), usual


def measure_lesions(
    engine: Engine, regions: Sequence[Region], decoder: Decoder, usual: Any, progress: Progress
) -> tuple[list[float], list[float]]:
    """Dice of the decoder and of the usual place on every test film."""
    import numpy as np

    from egma.evaluation.localization import dice
    from egma.evaluation.tasks.grounding import with_films

    ours, guess = [], []
    for region, study in with_films(regions, progress, "test regions"):
        geometry, mask = engine.geometry(study), region.mask(study.shape)
        drawn = geometry.map_to_source(decoder.predict(engine.embed_studies([study]).patches[0]))
        ours.append(dice(np.nan_to_num(drawn) >= decoder.level, mask))
        placed = geometry.map_to_source(np.asarray(usual, np.float32))
        guess.append(dice(np.nan_to_num(placed) >= usual.max() / 2, mask))
    return ours, guess


def draw_answers(
    engine: Engine, regions: Sequence[Region], answers: list[Any], level: float, progress: Progress
) -> list[float]:
    """Dice of answers on the patch grid, drawn at the films' own sizes."""
    import numpy as np

    from egma.evaluation.localization import dice
    from egma.evaluation.tasks.grounding import with_films

    films = with_films(regions, progress, "test regions")
    return [
        dice(np.nan_to_num(engine.geometry(study).map_to_source(answer)) >= level, region.mask(study.shape))
        for answer, (region, study) in zip(answers, films, strict=True)
    ]


def _to_grid(pixels: Any, rows: int, columns: int) -> Any:
    """Means over equal cells; the model's side is a multiple of the grid's."""
    high, wide = pixels.shape
    trimmed = pixels[: high // rows * rows, : wide // columns * columns]
    return trimmed.reshape(rows, trimmed.shape[0] // rows, columns, trimmed.shape[1] // columns).mean(axis=(1, 3))
