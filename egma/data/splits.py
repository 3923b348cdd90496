"""Which split a patient belongs to, and which films may show their gaze: seeded, and stable as data sets grow.

Both follow a hash of the seed and the id, so that they depend neither on order nor on what else is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from egma.data.sample import SPLITS, GazeChoice, Sample, Split

TRAIN_SHARE, VAL_SHARE = 0.8, 0.1
# Words for splits in use: MIMIC-CXR-JPG's own, and what people type.
_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "validate", "validation", "valid", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}


def read_split(word: str) -> Split | None:
    """The split that a word names ("validate" is "val"); None where it names none."""
    return _WORDS.get(word.strip().lower())


def split_by_hash(patient: str, seed: int = 0) -> Split:
    """The split of a patient: 80 % train, 10 % val, 10 % test, the same for the same seed on any machine."""
    at = _position(f"split {seed} {patient}")
    return SPLITS[0] if at < TRAIN_SHARE else SPLITS[1] if at < TRAIN_SHARE + VAL_SHARE else SPLITS[2]


def split_patients(official: Iterable[tuple[str, Split | None]], seed: int = 0) -> tuple[dict[str, Split], list[str]]:
    """The split of every patient, and the patients whose official splits contradict each other.

    Args:
        official: (patient, official split or None) of every film.
        seed: of the hash, for patients without one official split.
    """
    said: dict[str, set[Split]] = {}
    for patient, split in official:
        said.setdefault(patient, set()).update([split] if split else [])
    chosen: dict[str, Split] = {}
    contradicted: list[str] = []
    for patient, splits in said.items():
        chosen[patient] = next(iter(splits)) if len(splits) == 1 else split_by_hash(patient, seed)
        if len(splits) > 1:
            contradicted.append(patient)
    return chosen, contradicted


def choose_gaze(samples: Sequence[Sample], choice: GazeChoice) -> tuple[Sample, ...]:
    """The films with the gaze of the chosen share of training films; the other training films' gaze is withheld."""
    having = [sample.id for sample in samples if sample.split == "train" and sample.has_gaze]
    ordered = sorted(having, key=lambda name: (_position(f"gaze {choice.seed} {name}"), name))
    kept = set(ordered[: round(choice.share * len(ordered))])
    return tuple(
        sample if sample.split != "train" or not sample.has_gaze or sample.id in kept else sample.without_gaze()
        for sample in samples
    )


def with_splits(samples: Iterable[Sample], splits: Mapping[str, Split]) -> tuple[Sample, ...]:
    """The films with the split of their patient."""
    return tuple(replace(sample, split=splits[sample.patient]) for sample in samples)


def _position(text: str) -> float:
    """A place in [0, 1) that depends on the text alone."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") / 2**64
