"""How good a model is in the middle of a run, on films it does not train on: what a training is stopped and chosen by.

auroc      macro AUROC by prompt pairs over findings with enough positives, as the engine scores them
retrieval  share of films whose own report is among the K nearest of the validation reports, and the other way
pointing   share of lesion sentences whose strongest patch lies in the lesion, on fresh phantoms (pointing game)
gaze       how a sentence's map agrees with where a reader looked: correlation, and AUROC over patches
loss       the training's own loss
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from egma.data.sample import gaze_heat
from egma.evaluation.metrics import auroc, macro_auroc
from egma.finetune.batches import Batcher
from egma.finetune.learner import TERMS, Learner, embed_films, embed_texts
from egma.model.heads import unit
from egma.model.losses import binarise_gaze

LEAST_POSITIVES = 5
RANKS = (1, 5, 10)
_FILMS_A_RUN = 16
_TEXTS_A_RUN = 64
_INSIDE = 0.5
"""A patch lies in a lesion that covers at least half of it."""
_LEAST_RETRIEVED = 10


@dataclass(frozen=True)
class Measures:
    """Figures of one validation; None where the data cannot say.

    Attributes:
        auroc, auroc_findings: macro AUROC, and over how many findings.
        image_to_text, text_to_image: recall at 1, 5 and 10; None without reports.
        retrieved_of: among how many films.
        pointing, pointing_of: share, and of how many lesion sentences.
        gaze_correlation, gaze_auroc, gaze_of: means over sentences with gaze, and over how many.
        loss, terms: of the validation films.
    """

    auroc: float | None = None
    auroc_findings: int = 0
    image_to_text: tuple[float, ...] | None = None
    text_to_image: tuple[float, ...] | None = None
    retrieved_of: int = 0
    pointing: float | None = None
    pointing_of: int = 0
    gaze_correlation: float | None = None
    gaze_auroc: float | None = None
    gaze_of: int = 0
    loss: float | None = None
    terms: dict[str, float] | None = None

    def score(self, best_by: str) -> float:
        """What is maximised; minus infinity where it cannot be measured."""
        mean_recall = None if self.text_to_image is None else float(np.mean(self.text_to_image))
        values = {
            "auroc": self.auroc,
            "pointing": self.pointing,
            "retrieval": mean_recall,
            "gaze": self.gaze_correlation,
            "loss": None if self.loss is None else -self.loss,
        }
        value = values[best_by]
        return float("-inf") if value is None or not np.isfinite(value) else float(value)

    def as_event(self) -> dict[str, Any]:
        """The figures as events.jsonl has them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class Seen:
    """A model's view of F films.

    Attributes:
        globals: float32 (F, D).
        patches: float32 (F, N, D) of the drawn grid, on the CPU.
    """

    globals: Tensor
    patches: Tensor


def choose_best_by(asked: str, measures: Measures) -> str:
    """The measure that the best checkpoint is chosen by: the one asked for, or the first that the data can measure."""
    if asked != "auto":
        return asked
    found = [name for name in ("auroc", "gaze", "retrieval") if np.isfinite(measures.score(name))]
    return found[0] if found else "loss"


@torch.inference_mode()
def validate(learner: Learner, films: Batcher, phantoms: Batcher, batch: int) -> tuple[Measures, Seen]:
    """All figures of the model as it stands, and its view of the validation films."""
    was = learner.training
    learner.eval()
    seen = look_at(learner, films)
    measures = {
        **_measure_findings(learner, films, seen),
        **_measure_retrieval(learner, films, seen),
        **_measure_pointing(learner, phantoms, seen if phantoms is films else look_at(learner, phantoms)),
        **_measure_gaze(learner, films, seen),
        **_measure_loss(learner, films, batch),
    }
    learner.train(was)
    return Measures(**measures), seen


def look_at(learner: Learner, films: Batcher) -> Seen:
    """Embed every film of a set."""
    model, device = learner.model, learner.model.logit_scale.device
    found, patches = [], []
    for start in range(0, len(films.examples), _FILMS_A_RUN):
        places = range(start, min(start + _FILMS_A_RUN, len(films.examples)))
        output = embed_films(model, films.read_plain(places, device))
        found.append(output.globals.float().cpu())
        patches.append(output.patches(model.drawn).float().cpu())
    return Seen(torch.cat(found), torch.cat(patches))


def score_films(learner: Learner, films: Batcher, seen: Seen) -> NDArray[np.float32]:
    """float32 (F, findings): differences of the base's prompt pairs, mixed with the best patch as the engine does."""
    classify, share = learner.model.config.classify, learner.model.config.patch_share
    sides = [[finding.positive, finding.negative] for finding in classify.values()]
    vectors = [[_mean_direction(learner, films, texts) for texts in pair] for pair in sides]
    difference = torch.stack([positive - negative for positive, negative in vectors])
    overall = seen.globals @ difference.T
    if share == 0:
        return overall.numpy()
    best = torch.stack([(patches @ difference.T).amax(dim=0) for patches in seen.patches])
    return ((1 - share) * overall + share * best).numpy()


def sentence_vectors(learner: Learner, films: Batcher, texts: tuple[str, ...]) -> Tensor:
    """Unit vectors (T, D) of sentences of the run, on the CPU."""
    device, rows = learner.model.logit_scale.device, [films.texts.row(text) for text in texts]
    runs = [rows[start : start + _TEXTS_A_RUN] for start in range(0, len(rows), _TEXTS_A_RUN)]
    return torch.cat([embed_texts(learner.model, films.texts.pick(run, device)).float().cpu() for run in runs])


def _mean_direction(learner: Learner, films: Batcher, texts: tuple[str, ...]) -> Tensor:
    return unit(sentence_vectors(learner, films, texts).mean(dim=0))


def _measure_findings(learner: Learner, films: Batcher, seen: Seen) -> dict[str, Any]:
    from egma.findings import FINDINGS

    named = [name for name in learner.model.config.classify if name in FINDINGS]
    if not named:
        return {}
    columns = [FINDINGS.index(name) for name in named]
    labels = films.examples.labels[:, columns]
    scores = score_films(learner, films, seen)
    own = [list(learner.model.config.classify).index(name) for name in named]
    found = macro_auroc(labels > 0, scores[:, own], labels != 0, LEAST_POSITIVES)
    return {"auroc": found.value if found.each else None, "auroc_findings": len(found.each)}


def _measure_retrieval(learner: Learner, films: Batcher, seen: Seen) -> dict[str, Any]:
    """Films against reports by late interaction of the drawn grid; ties count against the model."""
    said = [sample.sentences[: films.sentences] for sample in films.examples.samples]
    having = [place for place, texts in enumerate(said) if texts]
    if len(having) < _LEAST_RETRIEVED:
        return {}
    vectors = [sentence_vectors(learner, films, said[place]) for place in having]
    joined, lengths = torch.cat(vectors), [len(each) for each in vectors]
    to_text, to_image = [], []
    for place in having:
        cosines = joined @ seen.patches[place].T
        to_text.append(torch.stack([part.amax(dim=0).mean() for part in cosines.split(lengths)]))
        to_image.append(torch.stack([part.mean() for part in cosines.amax(dim=1).split(lengths)]))
    return {
        "image_to_text": _recalls(torch.stack(to_text)),
        "text_to_image": _recalls(torch.stack(to_image).T),
        "retrieved_of": len(having),
    }


def _recalls(scores: Tensor) -> tuple[float, ...]:
    own = scores.diagonal().unsqueeze(1)
    rank = (scores >= own).sum(dim=1)  # 1 where nothing else is as near
    return tuple(float((rank <= most).float().mean()) for most in RANKS)


def _measure_pointing(learner: Learner, films: Batcher, seen: Seen) -> dict[str, Any]:
    hits = []
    for place, cosines in _maps(learner, films, seen, lambda place: bool(films.examples.masks)):
        masks = films.examples.masks[place].reshape(len(films.examples.masks[place]), -1)  # type: ignore[index]
        lesions = np.flatnonzero(masks.max(axis=1) >= _INSIDE)
        hits += [masks[row, int(cosines[row].argmax())] >= _INSIDE for row in lesions if row < len(cosines)]
    return {"pointing": float(np.mean(hits)) if hits else None, "pointing_of": len(hits)}


def _measure_gaze(learner: Learner, films: Batcher, seen: Seen) -> dict[str, Any]:
    correlations, areas = [], []
    for place, cosines in _maps(learner, films, seen, lambda place: films.examples.samples[place].has_gaze):
        heat, has = gaze_heat(films.examples.samples[place], films.grids[0])
        for row in np.flatnonzero(has[: len(cosines)]):
            looked = heat[row].ravel()
            covered = binarise_gaze(torch.from_numpy(looked)[None], learner.weights.gaze_threshold)[0].numpy()
            if not 0 < covered.sum() < len(covered) or np.ptp(cosines[row]) == 0:
                continue
            correlations.append(float(np.corrcoef(looked, cosines[row])[0, 1]))
            areas.append(auroc(covered, cosines[row]))
    if not areas:
        return {}
    return {
        "gaze_correlation": float(np.mean(correlations)),
        "gaze_auroc": float(np.mean(areas)),
        "gaze_of": len(areas),
    }


def _maps(
    learner: Learner, films: Batcher, seen: Seen, wanted: Callable[[int], bool]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(film, cosines (M, N)) of the films wanted that have sentences; the drawn grid must be the finest."""
    if learner.model.drawn != 0:
        return
    for place, sample in enumerate(films.examples.samples):
        texts = sample.sentences[: films.sentences]
        if texts and wanted(place):
            yield place, (sentence_vectors(learner, films, texts) @ seen.patches[place].T).numpy()


def _measure_loss(learner: Learner, films: Batcher, batch: int) -> dict[str, Any]:
    count, device = len(films.examples), learner.model.logit_scale.device
    runs = [range(start, min(start + batch, count)) for start in range(0, count, batch)]
    runs = [run for run in runs if len(run) > 1] or runs  # one film alone has nothing to be told from
    found: list[dict[str, float]] = []
    for draw, run in enumerate(runs):
        terms = learner(films.build(run, draw, device))
        found.append({name: float(value) for name, value in terms.items()})
    means = {name: float(np.average([each[name] for each in found], weights=[len(run) for run in runs]))
             for name in (*TERMS, "loss")}  # fmt: skip
    return {"loss": means.pop("loss"), "terms": means}
