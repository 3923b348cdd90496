"""One name for what training reads of a set of films, so that a run can say which data it saw."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from egma.data.sample import Sample


def digest_samples(samples: Iterable[Sample]) -> str:
    """SHA-256 in lower-case hex over ids, splits, sentences, labels and gaze; not over where the files lie."""
    digest = sha256()
    for sample in samples:
        words = [sample.id, sample.patient, sample.split, sample.sentences, sample.labels, sample.report]
        digest.update(json.dumps(words, ensure_ascii=True).encode())
        for each in sample.gaze:
            digest.update(b"-" if each is None else each.tobytes())
    return digest.hexdigest()
