"""One checkpoint fine-tuned on shares of a labelled list of films, each from the checkpoint as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from egma.data.sample import Sample
from egma.evaluation.finetuning import Network, Tuned, TuneSettings, fine_tune, run_network
from egma.evaluation.scores import Scores
from egma.evaluation.sets.films import PRESENT, UNKNOWN, Film, LabelledSet
from egma.evaluation.subjects import Progress
from egma.evaluation.supervised import (
    choose_thresholds,
    fit_layer,
    macro_of,
    take_at_most,
    take_share,
    to_probabilities,
    training_loss,
)
from egma.finetune.pixels import FilmPixels
from egma.inference.engine import Engine
from egma.model.build import load_model

FROZEN = ", frozen"
"""Behind a checkpoint's name: the linear probe that its fine-tuning starts from."""


@dataclass(frozen=True, eq=False)
class TuneTask:
    """What is learned and measured.

    Attributes:
        found: the data set.
        settings: how long and how fast.
        places: share -> training films, places in the train split.
        validation: places in the validation split.
        notes: what a reader should know of films that were left out.
    """

    found: LabelledSet
    settings: TuneSettings
    places: dict[int, list[int]]
    validation: list[int]
    notes: tuple[str, ...]

    @property
    def shares(self) -> tuple[int, ...]:
        """Percents, rising."""
        return tuple(self.places)

    @classmethod
    def of(
        cls,
        found: LabelledSet,
        shares: Sequence[int],
        settings: TuneSettings,
        films: int | None,
        validation: int | None,
    ) -> TuneTask:
        """The seeded, patient-safe, nested subsets of at most so many films; what that leaves out is said."""
        train, validated, notes = found.of("train"), found.of("val"), []
        places = {}
        for share in shares:
            wanted = take_share(train, share, settings.seed)
            places[share] = (
                wanted if films is None or len(wanted) <= films else take_at_most(train, films, settings.seed)
            )
            if len(places[share]) < len(wanted):
                notes.append(
                    f"at {share} % only {len(places[share]):,} of {len(wanted):,} films were used: --films 0 takes all"
                )
        judged = take_at_most(validated, validation, settings.seed)
        if len(judged) < len(validated):
            notes.append(
                f"epochs and thresholds were chosen on {len(judged):,} of {len(validated):,} validation films: "
                "--validation-films 0 takes all"
            )
        return cls(found, settings, places, judged, tuple(notes))


@dataclass(frozen=True, eq=False)
class TunedShare:
    """A checkpoint at one share: the test films' scores before and after fine-tuning, and how that went."""

    model: str
    share: int
    tuned: Scores
    frozen: Scores
    run: Tuned

    def as_json(self) -> dict[str, Any]:
        """Whose run it is, and how it went."""
        return {"model": self.model, "share": self.share, **self.run.as_json("macro_auroc")}


def tune_films(engine: Engine, task: TuneTask, progress: Progress) -> Iterator[TunedShare]:
    """Fine-tune at every share."""
    tuner = _Tuner(engine, task, progress)
    for share in task.shares:
        yield tuner.tune(share)


class _Tuner:
    """A checkpoint's network, films and frozen vectors, which all shares need."""

    def __init__(self, engine: Engine, task: TuneTask, progress: Progress) -> None:
        self.name, self.task, self.progress = engine.checkpoint.name, task, progress
        self.exclusive = task.found.exclusive
        self.films = [*task.found.of("train"), *task.found.of("val"), *task.found.tested]
        self.truth = np.array([film.truth for film in self.films])
        trained, validated = len(task.found.of("train")), len(task.found.of("val"))
        self.validation = [trained + place for place in task.validation]
        self.test = list(range(trained + validated, len(self.films)))
        self.pixels = FilmPixels([as_sample(film) for film in self.films], engine.checkpoint.config.image)
        self.network = Network(load_model(engine.checkpoint, engine.device), self.truth.shape[1]).to(engine.device)
        self.start = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        learned = sorted({place for places in task.places.values() for place in places})
        self.vectors = self._embed([*learned, *self.validation, *self.test])

    def tune(self, share: int) -> TunedShare:
        """Back to the checkpoint, then the probe, then everything."""
        places = self.task.places[share]
        self.network.load_state_dict(self.start)
        judged = self.truth[self.validation]
        layer = fit_layer(
            self._vectors(places),
            self.truth[places],
            (self._vectors(self.validation), judged),
            exclusive=self.exclusive,
        )
        before = [layer.answer(self._vectors(each), exclusive=self.exclusive) for each in (self.validation, self.test)]
        self.network.begin_with(layer)
        present, known = self._targets(places)

        def loss(logits: torch.Tensor, batch: NDArray[np.int64]) -> torch.Tensor:
            rows = torch.from_numpy(batch).to(logits.device)
            found = training_loss(logits, present[rows], known[rows], exclusive=self.exclusive)
            return found if self.exclusive else found / present.shape[1]

        def tell(done: int, total: int) -> None:
            self.progress(done, total, f"{self.name} at {share} % of labels, steps")

        run = fine_tune(self.network, self.pixels, places, loss, self._judge, self.task.settings, tell)
        after = [self._answer(each, "films answered") for each in (self.validation, self.test)]
        return TunedShare(self.name, share, self._scores(share, "", after), self._scores(share, FROZEN, before), run)

    def _embed(self, places: list[int]) -> dict[int, NDArray[np.float32]]:
        """Vectors of the checkpoint as it is, by place."""
        tell = self._telling("films embedded")
        return dict(zip(places, run_network(self.network, self.pixels, places, tell, embed=True)))

    def _vectors(self, places: Sequence[int]) -> NDArray[np.float32]:
        return np.stack([self.vectors[place] for place in places])

    def _targets(self, places: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        truth = torch.from_numpy(self.truth[list(places)]).to(self.network.device)
        return (truth == PRESENT).float(), (truth != UNKNOWN).float()

    def _judge(self) -> tuple[float, float]:
        """Macro AUROC and loss on validation films."""
        said = torch.from_numpy(run_network(self.network, self.pixels, self.validation, self._telling("validated")))
        truth = torch.from_numpy(self.truth[self.validation])
        loss = training_loss(said, (truth == PRESENT).float(), (truth != UNKNOWN).float(), exclusive=self.exclusive)
        return macro_of(truth.numpy(), to_probabilities(said, exclusive=self.exclusive)), float(loss)

    def _answer(self, places: Sequence[int], what: str) -> NDArray[np.float64]:
        said = run_network(self.network, self.pixels, places, self._telling(what))
        return to_probabilities(torch.from_numpy(said), exclusive=self.exclusive)

    def _scores(self, share: int, ending: str, answers: list[NDArray[np.float64]]) -> Scores:
        """The test films' answers with thresholds from the validation films'."""
        cuts = None if self.exclusive else choose_thresholds(self.truth[self.validation], answers[0])
        return Scores(f"{self.name}{ending}@{share}", answers[1], cuts)

    def _telling(self, what: str) -> Any:
        return lambda done, total: self.progress(done, total, f"{self.name}: {what}")


def as_sample(film: Film) -> Sample:
    """The film as a training reads it."""
    return Sample(film.name, film.patient, film.split, film.path)  # type: ignore[arg-type]
