"""The engine: films and words in, embeddings, maps and probabilities out. It knows no reader.

What it remembers is two bounded caches of embeddings, keyed by what was embedded and by the checkpoint's hash, so that
a second question on the same film costs the text tower alone. One engine serves any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from egma.checkpoints import Checkpoint, load_checkpoint
from egma.device import choose_device
from egma.errors import FilmError, PromptError
from egma.imaging.geometry import Geometry
from egma.inference.cache import CacheStatus, EmbeddingCache
from egma.inference.classify import FindingVectors, PromptPair, calibrated, finding_differences, mean_direction
from egma.inference.grounding import PatchMatch, build_maps
from egma.inference.prompts import check_texts, clean_phrases
from egma.types import Float32, GroundingMap, ImageEmbeddings, Study

if TYPE_CHECKING:
    from egma.model.egma import EgmaModel

IMAGE_CACHE_BYTES = 128 * 2**20  # about 300 films of egma-mini
TEXT_CACHE_BYTES = 16 * 2**20  # about 16,000 phrases
_FILMS_A_RUN = 8  # more at once is no faster on a CPU and takes more memory
_TEXTS_A_RUN = 64
# One tower at a time in the whole process: torch's precision flags are the process's own. Always in the same thread,
# because torch builds and warms a pool of workers for each thread that calls it (40 ms for a film's first run).
_towers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="egma-towers")


@dataclass(frozen=True, eq=False)
class _Film:
    """One film's embeddings as they are remembered: globals (D,), patches (gh, gw, D)."""

    globals: Float32
    patches: Float32

    @property
    def nbytes(self) -> int:
        return self.globals.nbytes + self.patches.nbytes


class Engine:
    """Asks one checkpoint. Built by `load_engine`; safe to share between threads and readers.

    Attributes:
        checkpoint: name, hash and config of what answers.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: EgmaModel,
        *,
        image_cache_bytes: int = IMAGE_CACHE_BYTES,
        text_cache_bytes: int = TEXT_CACHE_BYTES,
    ) -> None:
        self.checkpoint = checkpoint
        self._model = model.eval().requires_grad_(False)
        self._films: EmbeddingCache[_Film] = EmbeddingCache(image_cache_bytes)
        self._texts: EmbeddingCache[Any] = EmbeddingCache(text_cache_bytes)

    @property
    def display_range(self) -> tuple[float, float]:
        """(low, high) cosine that every map of this checkpoint is coloured over."""
        return self.checkpoint.config.display_range

    @property
    def drawn_from(self) -> float:
        """Share of the display range below which pages and pictures draw nothing at first."""
        return self.checkpoint.config.drawn_from

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that `classify` scores, in the order a page shows them."""
        return tuple(self.checkpoint.config.classify)

    @property
    def device(self) -> str:
        """Where the model runs: "cpu", "cuda:0", "mps"."""
        return str(self._model.logit_scale.device)

    @property
    def cache_status(self) -> dict[str, CacheStatus]:
        """What is remembered now, of films and of texts."""
        return {"films": self._films.status, "texts": self._texts.status}

    @cached_property
    def _vectors(self) -> FindingVectors:
        findings = self.checkpoint.config.classify.values()
        prompts = sorted({text for finding in findings for text in (*finding.positive, *finding.negative)})
        rows = dict(zip(prompts, self._run_texts(prompts), strict=True))

        def side(texts: tuple[str, ...]) -> Float32:
            return mean_direction(np.stack([rows[text] for text in texts]))

        empty = np.zeros((0, self.checkpoint.config.embed_dim), np.float32)
        positive = [side(finding.positive) for finding in findings]
        negative = [side(finding.negative) for finding in findings]
        return FindingVectors(np.stack(positive), np.stack(negative)) if positive else FindingVectors(empty, empty)

    def geometry(self, study: Study) -> Geometry:
        """The map between the film's pixels and the model's input."""
        image = self.checkpoint.config.image
        return Geometry(source_hw=study.shape, model_hw=(image.input_px, image.input_px), mode=image.mode)

    def prompts(self, finding: str) -> PromptPair:
        """The sentences behind a finding's probability."""
        config = self.checkpoint.config.classify.get(finding)
        if config is None:
            raise PromptError(f"{finding[:60]!r} is no finding of {self.checkpoint.name}: {', '.join(self.findings)}")
        return PromptPair(config.positive, config.negative)

    def embed_studies(self, studies: Sequence[Study]) -> ImageEmbeddings:
        """Unit vectors of films: globals (B, D) and the drawn grid's patches (B, gh, gw, D)."""
        if isinstance(studies, Study):
            raise FilmError("embed_studies wants a list of films, got one film; put it in a list")
        films = self._embed_films(studies)
        if not films:
            width = self.checkpoint.config.embed_dim
            return ImageEmbeddings(np.zeros((0, width), np.float32), np.zeros((0, 0, 0, width), np.float32))
        return ImageEmbeddings(np.stack([film.globals for film in films]), np.stack([film.patches for film in films]))

    def embed_texts(self, texts: Sequence[str]) -> Float32:
        """Unit vectors (T, D) of texts; what is above the tower's `max_tokens` is cut by it."""
        rows = self._embed_texts(check_texts(texts))
        return np.stack(rows) if rows else np.zeros((0, self.checkpoint.config.embed_dim), np.float32)

    def ground(self, study: Study, phrases: str | Sequence[str]) -> list[GroundingMap]:
        """Where the film shows what each phrase says: one map a phrase, in order."""
        cleaned = clean_phrases(phrases)
        (film,) = self._embed_films([study])
        vectors = np.stack(self._embed_texts(cleaned))
        geometry = self.geometry(study)
        return build_maps(film.patches, cleaned, vectors, geometry, self.display_range, self.drawn_from)

    def classify(self, study: Study) -> dict[str, float]:
        """The probability in [0, 1] of every finding; see `egma.inference.classify` for what it is."""
        (film,) = self._embed_films([study])
        seen = self.geometry(study).seen_patches(film.patches.shape[:2])
        share = self.checkpoint.config.patch_share
        differences = finding_differences(self._vectors, film.globals, film.patches, seen, share)
        return calibrated(differences, self.checkpoint.config.classify)

    def match_patch(self, study: Study, xy_px: tuple[float, float], phrases: Sequence[str] = ()) -> PatchMatch | None:
        """What the patch under (x, y), in source pixels of the film, resembles; None where the model saw nothing."""
        cleaned = clean_phrases(phrases) if len(phrases) else []
        (film,) = self._embed_films([study])
        place = self.geometry(study).patch_at(xy_px, film.patches.shape[:2])
        if place is None:
            return None
        patch = film.patches[place]
        cosines = [float(np.clip(patch @ row, -1.0, 1.0)) for row in self._embed_texts(cleaned)]
        scores = zip(self.findings, self._vectors.differences(patch).tolist(), strict=True)
        best_first = tuple(sorted(scores, key=lambda score: -score[1]))
        return PatchMatch(int(place[0]), int(place[1]), tuple(zip(cleaned, cosines, strict=True)), best_first)

    def warm_up(self) -> None:
        """Run both towers once and embed the findings' prompts, so that the first reader does not wait for it."""
        self._run_films([Study(np.full((64, 64), 0.5, np.float32), None)])
        _ = self._vectors

    def _embed_films(self, studies: Sequence[Study]) -> list[_Film]:
        keys = [(study.key, self.checkpoint.hash) for study in studies]
        return self._films.fetch(keys, lambda places: self._run_films([studies[place] for place in places]))

    def _embed_texts(self, texts: Sequence[str]) -> list[Float32]:
        keys = [(text, self.checkpoint.hash) for text in texts]
        return self._texts.fetch(keys, lambda places: self._run_texts([texts[place] for place in places]))

    def _to_model(self, study: Study) -> Float32:
        pixels = self.geometry(study).image_to_model(study.pixels, self.checkpoint.config.image.fill)
        if not np.isfinite(pixels).all():
            raise FilmError("the film holds pixels that are not numbers; export it again")
        return pixels

    def _run_films(self, studies: Sequence[Study]) -> list[_Film]:
        """The image tower on films, a few at a time, so that any number of them takes the memory of a few."""
        import torch

        films: list[_Film] = []
        for start in range(0, len(studies), _FILMS_A_RUN):
            inputs = [self._to_model(study) for study in studies[start : start + _FILMS_A_RUN]]
            pixels = torch.from_numpy(np.stack(inputs))
            found = self._run(self._model.embed_images, pixels)
            patches = found.grids[self._model.drawn].cpu().numpy()
            films += [_Film(_kept(row), _kept(grid)) for row, grid in zip(found.globals.cpu().numpy(), patches)]
        return films

    def _run_texts(self, texts: Sequence[str]) -> list[Float32]:
        """The text tower on texts of equal token count at a time: no padding, so that batch and single agree."""
        from egma.model.text import pad_tokens

        tower = self._model.text
        tokens = tower.tokenize(texts)
        places_by_length: dict[int, list[int]] = {}
        for place, row in enumerate(tokens):
            places_by_length.setdefault(len(row), []).append(place)
        vectors: dict[int, Float32] = {}
        for places in places_by_length.values():
            for start in range(0, len(places), _TEXTS_A_RUN):
                run = places[start : start + _TEXTS_A_RUN]
                found = self._run(self._model.embed_tokens, pad_tokens([tokens[place] for place in run], tower.pad_id))
                vectors.update(zip(run, map(_kept, found.cpu().numpy())))
        return [vectors[place] for place in range(len(texts))]

    def _run(self, tower: Callable[[Any], Any], batch: Any) -> Any:
        """Wait for the towers' thread to run `tower` on `batch`."""
        return _towers.submit(_run_tower, tower, batch.to(self._model.logit_scale.device)).result()


def load_engine(name_or_folder: str | Path = "egma-mini", device: str = "auto") -> Engine:
    """Load a checkpoint, by name or folder, onto a device and make it ready to be asked."""
    from egma.model.build import load_model

    chosen = choose_device(device)
    checkpoint = load_checkpoint(name_or_folder, verify=False)  # load_model compares the hash, after names and shapes
    return Engine(checkpoint, load_model(checkpoint, chosen))


def _run_tower(tower: Callable[[Any], Any], batch: Any) -> Any:
    """In full float32, also where a GPU would round to TF32, so that batch and single agree."""
    import torch

    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return tower(batch)


def _kept(row: Float32) -> Float32:
    """A copy of its own, so that a cache's entry does not hold a whole batch, and one that nobody can write to."""
    copy = np.array(row, dtype=np.float32)
    copy.setflags(write=False)
    return copy
