"""Phantoms as a data set: films whose findings are known, each sentence with gaze that a program made. Never recorded.

They come in the same folder and the same samples as recorded data sets, so that whatever trains on one trains on the
other. Every sample is marked simulated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from egma.data import store
from egma.data.maps import Grid, quantise
from egma.data.sample import ABSENT, PRESENT, GazeChoice, Labels, Sample
from egma.data.splits import split_by_hash
from egma.errors import DataError
from egma.findings import FINDINGS
from egma.gaze.simulate import Statement, simulate_reading
from egma.gaze.transcript import build_sentence_maps
from egma.testing.phantoms import Phantom, build_phantoms

# Raise it whenever the same seed would give other phantoms or other gaze.
RULES = 1
MAX_COUNT = 100_000
SIZES_PX = (64, 2048)
_IMAGES = "images"


def build_phantom_data(
    out: Path,
    count: int,
    *,
    size_px: int = 320,
    seed: int = 0,
    grid: Grid | None = None,
    choice: GazeChoice | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> bool:
    """Write a data folder of phantoms with simulated gaze. Returns whether anything had to be written.

    Args:
        out: the folder; made where it is missing, refused where it holds anything else.
        count: how many.
        size_px: pixels a side.
        seed: of patients, lesions and gaze; equal seeds give equal folders.
        grid: of the maps.
        choice: the share of gaze to record in the folder.
        on_progress: called with (phantoms done, all).
    """
    if not 1 <= count <= MAX_COUNT:
        raise DataError(f"a data set of phantoms has 1 to {MAX_COUNT:,} films, got {count}")
    if not SIZES_PX[0] <= size_px <= SIZES_PX[1]:
        raise DataError(f"a phantom has {SIZES_PX[0]} to {SIZES_PX[1]} pixels a side, got {size_px}")
    if seed < 0:
        raise DataError(f"the seed of phantoms is wanted at 0 or above, got {seed}")
    store.claim(out)
    wanted, chosen = grid or Grid(), choice or GazeChoice()
    name = f"{wanted.rows}x{wanted.columns} {wanted.mode}"
    stamp = sha256(json.dumps([store.FORMAT, RULES, count, size_px, seed, name]).encode()).hexdigest()
    facts = store.Facts("phantoms", "", "", "", name, stamp, share=chosen.share, seed=chosen.seed)
    if store.is_finished(out) and store.load_facts(out).stamp == stamp:
        if store.load_facts(out) != facts:
            store.save_facts(out, facts)
        return False
    samples = _draw(out, count, size_px, seed, wanted, on_progress)
    store.save_folder(out, facts, samples, (), out)
    return True


def _draw(
    out: Path, count: int, size_px: int, seed: int, grid: Grid, on_progress: Callable[[int, int], None] | None
) -> list[Sample]:
    (out / _IMAGES).mkdir(parents=True, exist_ok=True)
    samples: list[Sample] = []
    for number, phantom in enumerate(build_phantoms(count, seed, (size_px, size_px))):
        path = out / _IMAGES / f"phantom-{number:05d}.png"
        Image.fromarray(np.rint(phantom.study.pixels * 255).astype(np.uint8)).save(path)
        samples.append(_sample(phantom, path, number, seed, grid))
        if on_progress is not None:
            on_progress(number + 1, count)
    return samples


def _sample(phantom: Phantom, path: Path, number: int, seed: int, grid: Grid) -> Sample:
    shape = phantom.study.shape
    regions = [phantom.masks[finding] for finding in phantom.findings] or [None] * len(phantom.sentences)
    statements = [Statement(text, region) for text, region in zip(phantom.sentences, regions)]
    track = simulate_reading(statements, shape, seed=seed * 1_000_003 + number)
    maps = build_sentence_maps(track, shape, grid.hw, grid.box_px(shape))
    return Sample(
        id=path.stem,
        patient=path.stem,
        study=path.stem,
        film=path.stem,
        split=split_by_hash(path.stem, seed),
        image_path=path,
        sentences=tuple(statement.text for statement in statements),
        times_s=tuple((sentence.start_s, sentence.end_s) for sentence in maps.sentences),
        labels=_labels(phantom.findings),
        gaze=quantise(maps.heat, maps.has_gaze),
        source="phantoms",
        reader="simulated",
        simulated=True,
        shape_hw=shape,
        view="PA",
        licence="synthetic",
    )


def _labels(findings: tuple[str, ...]) -> Labels:
    """All fifteen are known of a phantom."""
    shown = set(findings or ("No Finding",))
    return tuple(PRESENT if finding in shown else ABSENT for finding in FINDINGS)
