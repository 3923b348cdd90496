"""What a fine-tuning reads: films at the model's size, with sentences, findings and gaze, for training and validation.

Every data set comes as `egma.data` samples; the bundled phantoms are made here, with masks that tell where each
sentence's lesion lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from egma.data.labels import label_sentence
from egma.data.maps import Grid
from egma.data.opening import Examination, Reading, examine_data
from egma.data.sample import GazeChoice, Sample, SampleSet
from egma.errors import DataError
from egma.findings import FINDINGS
from egma.finetune.pixels import ArrayPixels, FilmPixels, Pixels
from egma.finetune.rules import PHANTOMS
from egma.finetune.settings import FinetuneSettings

if TYPE_CHECKING:
    from egma.config import ModelConfig
    from egma.finetune.mini.phantoms import PhantomSet

Note = Callable[[int, int, str], None]
"""Told of progress: done, total, what."""
_VALIDATION_SEED = 7919
_MOST_TOLD = 4
_PHANTOMS_AT_ONCE = 16
_STREAM = {"train": 1, "val": 2}
"""Apart for good: no phantom that is trained on is ever measured on, whatever the seeds."""
_PURPOSE = {"train": "train on", "val": "measure by"}


@dataclass(frozen=True, eq=False)
class Examples:
    """F films.

    Attributes:
        samples: what is known of each.
        pixels: reads them at the model's size.
        labels: float32 (F, 15), 1 present, -1 absent, 0 unknown or uncertain.
        masks: for each film, float16 (M, gh, gw): the share of each drawn patch that its sentence's lesion covers;
            None for films, whose lesions nobody outlined.
    """

    samples: tuple[Sample, ...]
    pixels: Pixels
    labels: NDArray[np.float32]
    masks: tuple[NDArray[np.float16], ...] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def first(self, most: int) -> Examples:
        """The first films alone; `pixels` is asked by place, so it stays as it is."""
        masks = self.masks[:most] if self.masks is not None else None
        return Examples(self.samples[:most], self.pixels, self.labels[:most], masks)


@dataclass(frozen=True, eq=False)
class FinetuneData:
    """All that a run reads.

    Attributes:
        train, validation: films.
        phantoms: fresh phantoms that pointing is measured on, in every run.
        digest: SHA-256 of what training reads, pictures excepted.
        counts: of films, sentences and gaze, for config.json and the card.
    """

    train: Examples
    validation: Examples
    phantoms: Examples
    digest: str
    counts: dict[str, int | str | bool]


def load_data(
    settings: FinetuneSettings, config: ModelConfig, grid_hw: tuple[int, int], note: Note, cache: Path | None = None
) -> FinetuneData:
    """Open the data of a run, whole and checked.

    Args:
        settings: what to open.
        config: of the base, for the size and frame of its input.
        grid_hw: rows and columns of the drawn grid.
        note: told of progress.
        cache: where the gaze maps of a data set's root are kept for the next time; None: nowhere.

    Raises:
        DataError: one sentence with what is wrong, by row.
    """
    films = None if settings.data == PHANTOMS else _open_films(settings, Grid(*grid_hw, config.image.mode), note, cache)
    phantoms = build_phantoms(settings.validation_phantoms, _VALIDATION_SEED, "val", config, grid_hw, note)
    if films is None:
        train = build_phantoms(settings.phantoms, settings.seed, "train", config, grid_hw, note)
        opened = SampleSet((*train.samples, *phantoms.samples), source=PHANTOMS, grid_hw=grid_hw)
        train = replace(train, samples=_withhold(train.samples, settings))
        validation = phantoms
    else:
        opened = films
        train = _read_films(opened.only("train"), config)
        validation = _read_films(_limit(opened.only("val"), settings), config)
    return FinetuneData(train, validation, phantoms, opened.digest, _count(opened, train, validation))


def limit_films(data: FinetuneData, most: int) -> FinetuneData:
    """The same data with only its first films; its counts stay those of the whole."""
    validation = data.validation if data.validation is data.phantoms else data.validation.first(most)
    return replace(data, train=data.train.first(most), validation=validation)


def build_phantoms(
    count: int, seed: int, split: str, config: ModelConfig, grid_hw: tuple[int, int], note: Note
) -> Examples:
    """`count` phantoms as examples, their gaze simulated from their lesions and named so.

    They are built a few at a time: what is kept of each is its film and its maps on the patch grid.
    """
    from egma.finetune.mini.phantoms import build_phantom_set

    side = config.image.input_px
    films = np.zeros((count, side, side), np.uint8)
    samples: list[Sample] = []
    masks: list[NDArray[np.float16]] = []
    for start in range(0, count, _PHANTOMS_AT_ONCE):
        note(start, count, f"building phantoms to {_PURPOSE[split]}")
        own = int(np.random.SeedSequence((seed, _STREAM[split], start)).generate_state(1)[0] >> 1)
        built = build_phantom_set(min(_PHANTOMS_AT_ONCE, count - start), side, own)
        films[start : start + len(built)] = built.films
        samples += [
            _phantom_sample(built, place, f"{seed}-{start + place}", split, grid_hw) for place in range(len(built))
        ]
        masks += [_phantom_masks(built, place, grid_hw) for place in range(len(built))]
    return Examples(tuple(samples), ArrayPixels(films), _label_array(samples), tuple(masks))


def _phantom_sample(built: PhantomSet, place: int, name: str, split: str, grid_hw: tuple[int, int]) -> Sample:
    sentences = built.sentences[place]
    found = len(built.findings[place])
    gaze = tuple(_to_grid(built.gaze[place, row], grid_hw) if row < found else None for row, _ in enumerate(sentences))
    return Sample(
        id=f"phantom-{split}-{name}",
        patient=f"phantom-{split}-{name}",
        split=split,  # type: ignore[arg-type]
        sentences=sentences,
        times_s=(None,) * len(sentences),
        labels=tuple(int(each) for each in built.present[place]),
        gaze=gaze,
        source=PHANTOMS,
        simulated=True,
        shape_hw=(built.films.shape[1], built.films.shape[2]),
    )


def _phantom_masks(built: PhantomSet, place: int, grid_hw: tuple[int, int]) -> NDArray[np.float16]:
    found = len(built.findings[place])
    rows = [_cell_means(built.masks[place, row] / 255.0, grid_hw) for row in range(found)]
    missing = len(built.sentences[place]) - found
    blank = np.zeros((missing, *grid_hw))
    return np.concatenate((np.array(rows).reshape(found, *grid_hw), blank)).astype(np.float16)


def _to_grid(heat: NDArray[np.uint8], grid_hw: tuple[int, int]) -> NDArray[np.uint8]:
    small = _cell_means(heat.astype(np.float32), grid_hw)
    peak = float(small.max())
    return np.rint(small / peak * 255).astype(np.uint8) if peak > 0 else np.zeros(grid_hw, np.uint8)


def _cell_means(values: NDArray[np.floating], grid_hw: tuple[int, int]) -> NDArray[np.float32]:
    from egma.gaze.grid import reduce_to_grid

    return reduce_to_grid(np.asarray(values, np.float32), grid_hw)


def _withhold(samples: tuple[Sample, ...], settings: FinetuneSettings) -> tuple[Sample, ...]:
    from egma.data.splits import choose_gaze

    return choose_gaze(samples, GazeChoice(settings.gaze_share, settings.seed))


def build_reading(settings: FinetuneSettings, grid: Grid | None = None, cache: Path | None = None) -> Reading:
    """How a run's data set is read; a folder that was built with a share of gaze keeps it unless another is chosen."""
    return Reading(
        choice=GazeChoice(settings.gaze_share, settings.seed) if settings.gaze_share < 1 else None,
        split_seed=settings.split_seed,
        grid=grid,
        cache=cache,
        images=Path(settings.images) if settings.images else None,
        reports=Path(settings.reports) if settings.reports else None,
    )


def check_ready(found: Examination) -> None:
    """Refuse data that nothing sound can be trained on.

    Raises:
        DataError: every kind of problem in one sentence, blocking ones first.
    """
    if found.ready:
        return
    said = [problem.sentence for problem in found.problems]
    more = f" (and {len(said) - _MOST_TOLD} more kinds of problem)" if len(said) > _MOST_TOLD else ""
    raise DataError(f"the data cannot be trained on: {'; '.join(said[:_MOST_TOLD])}{more}")


def _open_films(settings: FinetuneSettings, grid: Grid, note: Note, cache: Path | None) -> SampleSet:
    def tell(done: int, total: int) -> None:
        note(done, total, "building gaze maps")

    found = examine_data(settings.data, build_reading(settings, grid, cache), on_progress=tell)
    check_ready(found)
    return replace(found.samples, samples=tuple(each for each in found.samples if each.image_path is not None))


def _read_films(samples: Sequence[Sample], config: ModelConfig) -> Examples:
    kept = tuple(samples)
    return Examples(kept, FilmPixels(kept, config.image), _label_array(kept))


def _limit(samples: tuple[Sample, ...], settings: FinetuneSettings) -> tuple[Sample, ...]:
    """At most so many validation films, drawn once; the order of the data stays."""
    if len(samples) <= settings.validation_films:
        return samples
    rng = np.random.default_rng((_VALIDATION_SEED, settings.split_seed))
    places = np.sort(rng.choice(len(samples), settings.validation_films, replace=False))
    return tuple(samples[place] for place in places)


def _label_array(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """1 present, -1 absent, 0 else. A film with sentences and no labels at all has what its sentences say."""
    values = {1: 1.0, 0: -1.0}
    array = np.zeros((len(samples), len(FINDINGS)), np.float32)
    for row, sample in enumerate(samples):
        if any(label is not None for label in sample.labels):
            array[row] = [values.get(label, 0.0) if label is not None else 0.0 for label in sample.labels]
        elif sample.sentences:
            said = np.array([label_sentence(sentence) for sentence in sample.sentences])
            array[row] = np.where((said == 1).any(axis=0), 1.0, np.where((said == -1).any(axis=0), -1.0, 0.0))
    return array


def _count(opened: SampleSet, train: Examples, validation: Examples) -> dict[str, int | str | bool]:
    return {
        "source": opened.source,
        "train_films": len(train),
        "validation_films": len(validation),
        "train_patients": len({sample.patient for sample in train.samples}),
        "train_sentences": sum(len(sample.sentences) for sample in train.samples),
        "train_with_gaze": sum(sample.has_gaze for sample in train.samples),
        "validation_with_gaze": sum(sample.has_gaze for sample in validation.samples),
        "labelled": int((train.labels != 0).any(axis=1).sum()),
        "simulated_gaze": any(sample.simulated and sample.has_gaze for sample in train.samples),
        "dropped": len(opened.dropped),
    }
