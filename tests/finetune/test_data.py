"""What a run reads: a table of films with reports, a gaze data set's root, phantoms that never leak into measuring."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.errors import DataError, SettingsError
from egma.finetune.batches import Batcher, Prompts, places_of_pass
from egma.finetune.examples import Examples, build_phantoms, load_data
from egma.finetune.features import TextTable
from egma.finetune.job import run_finetune
from egma.finetune.learner import grid_sizes
from egma.testing import build_phantom
from egma.testing.models import build_tiny_model
from tests.finetune.bases import small_settings, steps_of

QUIET = lambda done, total, text: None  # noqa: E731


def write_films(folder: Path, count: int = 8, *, text: bool = True) -> Path:
    """A folder of small phantom films with labels.csv, every fourth one for validation."""
    folder.mkdir()
    rows = []
    for number in range(count):
        finding = "Effusion" if number % 2 else "Pneumothorax"
        phantom = build_phantom(number, finding=finding, size=(96, 80))
        Image.fromarray((phantom.study.pixels * 255).astype("uint8")).save(folder / f"{number}.png")
        split = "val" if number % 4 == 3 else "train"
        words = phantom.sentences[0] if text else ""
        rows.append(f'{number}.png,p{number},{split},{number % 2},{1 - number % 2},"{words}"\n')
    (folder / "labels.csv").write_text("image,patient,split,Effusion,Pneumothorax,text\n" + "".join(rows))
    return folder


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("text", [True, False], ids=["with reports", "labels alone"])
def test_a_folder_of_films_is_trained_on(tiny_base: Path, tmp_path: Path, text: bool) -> None:
    data = write_films(tmp_path / "films", text=text)
    settings = small_settings(tiny_base, "heads", data=str(data), batch=3, max_steps=4, validate_every=2)
    result = run_finetune(tmp_path / "run", settings)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    counts = config["provenance"]["data"]
    assert result is not None and (counts["train_films"], counts["validation_films"]) == (6, 2)
    assert counts["simulated_gaze"] is False and counts["train_with_gaze"] == 0
    for step in steps_of(tmp_path / "run").values():
        assert step["gaze_alignment"] == 0 and step["label_alignment"] > 0
        assert (step["contrastive"] > 0) == text


@pytest.mark.usefixtures("fresh_accelerate")
def test_terms_that_the_data_cannot_feed_are_refused_before_anything_runs(tiny_base: Path, tmp_path: Path) -> None:
    data = write_films(tmp_path / "films", text=False)
    settings = small_settings(tiny_base, "heads", data=str(data), label_alignment_weight=0.0)
    with pytest.raises(SettingsError, match="nothing can be learned"):
        run_finetune(tmp_path / "run", settings)


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_built_gaze_folder_is_trained_on_at_the_models_own_grid(tiny_base: Path, tmp_path: Path) -> None:
    from egma.data.maps import Grid
    from egma.data.sources.phantoms import build_phantom_data

    data = tmp_path / "gaze"
    build_phantom_data(data, 16, size_px=96, seed=1, grid=Grid(16, 16))
    settings = small_settings(tiny_base, "heads", data=str(data), max_steps=2, validate_every=2, batch=4)
    run_finetune(tmp_path / "run", settings)
    assert all(step["gaze_alignment"] > 0 for step in steps_of(tmp_path / "run").values())


def test_a_film_that_cannot_be_opened_is_named(tiny_base: Path, tmp_path: Path) -> None:
    data = write_films(tmp_path / "films")
    for number in (1, 2):  # neither the first, the last nor the middle, which are tried beforehand
        (data / f"{number}.png").write_bytes(b"no picture")
    model = build_tiny_model()
    found = load_data(small_settings(tiny_base, "heads", data=str(data)), model.config, (16, 16), QUIET)
    with pytest.raises(DataError, match="cannot be opened"):
        found.train.pixels.read(range(len(found.train)))


def test_no_phantom_is_both_trained_on_and_measured_on() -> None:
    config = build_tiny_model().config
    for seed in (0, 7919):
        train = build_phantoms(20, seed, "train", config, (16, 16), QUIET)
        measured = build_phantoms(20, 7919, "val", config, (16, 16), QUIET)
        seen = {film.tobytes() for film in train.pixels.read(range(20))}
        assert not seen & {film.tobytes() for film in measured.pixels.read(range(20))}


def test_equal_seeds_build_equal_phantoms() -> None:
    config = build_tiny_model().config
    first, second, other = (build_phantoms(18, seed, "train", config, (16, 16), QUIET) for seed in (4, 4, 5))
    assert np.array_equal(first.pixels.read(range(18)), second.pixels.read(range(18)))
    assert not np.array_equal(first.pixels.read(range(18)), other.pixels.read(range(18)))
    assert [each.sentences for each in first.samples] == [each.sentences for each in second.samples]


def build_batcher(examples: Examples) -> Batcher:
    model = build_tiny_model()
    prompts = Prompts(model.config.classify)
    said = [text for sample in examples.samples for text in sample.sentences]
    texts = TextTable(model, [*prompts.texts, *said], frozen=True)
    return Batcher(examples, None, texts, prompts, grid_sizes(model), 12, seed=0)


def test_a_batch_keeps_each_films_sentences_gaze_and_labels_together() -> None:
    examples = build_phantoms(6, 0, "train", build_tiny_model().config, (16, 16), QUIET)
    batcher = build_batcher(examples)
    batch = batcher.build([4, 1, 2], 0, build_tiny_model().logit_scale.device)
    assert [grid.shape[2] for grid in batch.gaze] == [256, 64]
    for row, place in enumerate((4, 1, 2)):
        sample = examples.samples[place]
        count = len(sample.sentences)
        assert batch.mask[row].sum() == count
        assert batch.has_gaze[row, :count].tolist() == [each is not None for each in sample.gaze]
        assert batch.film_labels[row].tolist() == examples.labels[place].tolist()
        for sentence in range(count):
            heat = batch.gaze[0][row, sentence]
            assert float(heat.max()) == (1.0 if batch.has_gaze[row, sentence] else 0.0)


def test_every_film_is_seen_once_an_epoch_and_the_order_follows_from_the_seed() -> None:
    epoch = np.concatenate([places_of_pass(12, 4, 3, index) for index in range(3)])
    assert sorted(epoch) == list(range(12))
    again = np.concatenate([places_of_pass(12, 4, 3, index) for index in range(3)])
    later = np.concatenate([places_of_pass(12, 4, 3, index) for index in range(3, 6)])
    assert np.array_equal(epoch, again) and not np.array_equal(epoch, later)
    assert len(places_of_pass(3, 32, 0, 5)) == 3  # fewer films than a batch: all of them, each time
