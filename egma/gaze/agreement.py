"""A model's map against a reader, and readers against each other: the measures side by side, with the ceiling."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egma.cells import safe_cell
from egma.errors import GazeError
from egma.gaze import metrics
from egma.gaze.scanpath import MultiMatch, compare_multimatch, compare_scanmatch
from egma.gaze.track import GazeTrack

MIN_READERS = 2


@dataclass(frozen=True)
class Agreement:
    """How well one map predicts one reader, each measure as defined in `egma.gaze.metrics`.

    NaN where there is nothing to measure. `information_gain` is in bits a fixation over the centre bias; `auc_shuffled`
    is NaN without fixations from other films.
    """

    auc_judd: float
    auc_shuffled: float
    nss: float
    information_gain: float
    cc: float
    sim: float
    kl: float
    fixations_used: int
    off_image: int
    not_seen: int


@dataclass(frozen=True, eq=False)
class ReaderAgreement:
    """How well readers of one film agree: the ceiling for any map of it.

    Attributes:
        readers: names, in the order given.
        against_rest: each reader's fixations against the mean density of the others.
        mean: the mean of `against_rest`, NaN left out.
        scanmatch: float64 (R, R), ScanMatch of each pair, 1 on the diagonal.
        multimatch: {(i, j): five similarities} for i < j.
    """

    readers: tuple[str, ...]
    against_rest: tuple[Agreement, ...]
    mean: Agreement
    scanmatch: NDArray[np.float64]
    multimatch: dict[tuple[int, int], MultiMatch]


def compare_map(
    saliency: ArrayLike, track: GazeTrack, *, other_xy_px: ArrayLike | None = None, baseline: ArrayLike | None = None
) -> Agreement:
    """Every measure of a map (H, W) of the film against one reader.

    Args:
        saliency: the map, NaN where a model saw nothing.
        track: the reader's gaze; raw samples are turned into fixations first.
        other_xy_px: fixations on other films, in this film's pixels, for shuffled AUC.
        baseline: the density that information gain is measured against; None: the centre bias.
    """
    image = np.asarray(saliency, np.float64)
    if image.ndim != 2:
        raise GazeError(f"a map is wanted as rows x columns, got an array of shape {image.shape}")
    shape = (image.shape[0], image.shape[1])
    track = track.in_frame(shape).fixations()
    count = metrics.count_fixations(image, track.xy_px)
    density = track.density(shape)
    floor = metrics.centre_bias(shape) if baseline is None else baseline
    return Agreement(
        auc_judd=metrics.auc_judd(image, track.xy_px),
        auc_shuffled=math.nan if other_xy_px is None else metrics.auc_shuffled(image, track.xy_px, other_xy_px),
        nss=metrics.nss(image, track.xy_px),
        information_gain=metrics.information_gain(image, track.xy_px, floor),
        cc=metrics.cc(image, density) if density.any() else math.nan,
        sim=metrics.sim(image, density),
        kl=metrics.kl(image, density),
        fixations_used=count.used,
        off_image=count.off_image,
        not_seen=count.not_seen,
    )


def compare_readers(tracks: Sequence[GazeTrack], shape: tuple[int, int]) -> ReaderAgreement:
    """Each of several readers of one film against the others."""
    if len(tracks) < MIN_READERS:
        raise GazeError(f"agreement between readers wants at least two recordings of one film, got {len(tracks)}")
    readers = [track.in_frame(shape).fixations() for track in tracks]
    densities = [reader.density(shape) for reader in readers]
    total = np.sum(densities, axis=0, dtype=np.float64)
    rest = [compare_map(total - density, reader) for density, reader in zip(densities, readers)]
    scanmatch = np.eye(len(readers))
    multimatch: dict[tuple[int, int], MultiMatch] = {}
    for i in range(len(readers)):
        for j in range(i + 1, len(readers)):
            scanmatch[i, j] = scanmatch[j, i] = compare_scanmatch(readers[i], readers[j], shape)
            multimatch[i, j] = compare_multimatch(readers[i], readers[j], shape)
    return ReaderAgreement(
        tuple(track.name for track in tracks), tuple(rest), mean_agreement(rest), scanmatch, multimatch
    )


def mean_agreement(rows: Sequence[Agreement]) -> Agreement:
    """The mean of each measure over rows, NaN left out; counts are added up."""
    means: dict[str, float] = {}
    for each in fields(Agreement):
        values = np.array([getattr(row, each.name) for row in rows], np.float64)
        values = values[np.isfinite(values)]
        if each.name in ("fixations_used", "off_image", "not_seen"):
            means[each.name] = int(values.sum())
        else:
            means[each.name] = float(values.mean()) if len(values) else math.nan
    return Agreement(**means)  # type: ignore[arg-type]


def write_agreement_csv(rows: dict[str, Agreement]) -> str:
    """CSV text: one line a name, an empty cell where a measure has nothing to measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", *(each.name for each in fields(Agreement))])
    for name, row in rows.items():
        cells = asdict(row).values()
        writer.writerow(
            [safe_cell(name), *("" if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells)]
        )
    return text.getvalue()
