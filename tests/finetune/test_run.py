"""A whole run on tiny phantoms: its files, events, checkpoint and card, for every preset."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import JobError, JobFailedError, SettingsError
from egma.finetune.job import run_finetune
from egma.jobs import JobFolder
from egma.testing import build_phantom
from tests.finetune.bases import kinds_of, small_settings, steps_of

pytestmark = pytest.mark.usefixtures("fresh_accelerate")
TERMS = ("contrastive", "gaze_alignment", "gaze_mapping", "label_alignment")


@pytest.fixture(scope="module")
def finished(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished demo run on the tiny base."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    folder = tmp_path_factory.mktemp("runs") / "demo"
    run_finetune(folder, small_settings(tiny_base))
    return folder


def test_every_step_has_an_event_with_its_terms_apart(finished: Path) -> None:
    steps = steps_of(finished)
    assert sorted(steps) == list(range(1, 41))
    for step in steps.values():
        assert {"time", "kind", "loss", "learning_rate", "gradient_norm", "step_s", "left_s", "device_mb"} <= set(step)
        total = (
            0.5 * step["contrastive"] + step["gaze_alignment"] + step["gaze_mapping"] + 0.5 * step["label_alignment"]
        )
        assert step["loss"] == pytest.approx(total, abs=1e-3)


def test_validation_is_told_before_the_first_step_and_after_each_stretch(finished: Path) -> None:
    told = list(kinds_of(finished, "validation"))
    assert [each["step"] for each in told] == [0, 10, 20, 30, 40]
    assert all(0 <= each["pointing"] <= 1 and each["pointing_of"] > 0 for each in told)
    assert any(each["best"] for each in told)


def test_the_loss_falls(finished: Path) -> None:
    losses = [step["loss"] for _, step in sorted(steps_of(finished).items())]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_the_result_says_before_and_after_and_the_state_is_finished(finished: Path) -> None:
    result = JobFolder(finished).result()
    assert result is not None and JobFolder(finished).state().name == "finished"
    assert result["before"]["pointing"] is not None and result["after"]["pointing"] is not None
    best = next(each for each in kinds_of(finished, "validation") if each["step"] == result["best_step"])
    assert result["after"]["pointing"] == best["pointing"]
    assert result["steps"] == result["planned_steps"] == 40


def test_the_config_says_all_that_is_needed_to_make_it_again(finished: Path) -> None:
    config = json.loads((finished / "config.json").read_text())
    provenance = config["provenance"]
    assert config["seed"] == 0 and len(provenance["data"]["sha256"]) == 64 and len(provenance["base_hash"]) == 64
    assert {"torch", "accelerate", "peft", "python", "egma"} <= set(provenance["versions"])
    assert provenance["data"]["simulated_gaze"] is True


def test_a_run_made_again_from_its_config_takes_the_same_steps(finished: Path, tmp_path: Path) -> None:
    from egma.finetune.job import choose_settings

    again = tmp_path / "again"
    run_finetune(again, choose_settings(again, None, finished / "config.json", {"epochs": 10, "max_steps": 40}))
    first, second = steps_of(finished), steps_of(again)
    assert [second[step]["loss"] for step in second] == pytest.approx([first[step]["loss"] for step in first], abs=1e-6)


def test_the_checkpoint_answers_like_any_other(finished: Path) -> None:
    engine = egma.load_engine(finished / "checkpoint", device="cpu")
    study = build_phantom(5, finding="Effusion", side="left", size=(128, 128)).study
    scores = engine.classify(study)
    assert len(scores) == 15 and all(0 <= value <= 1 for value in scores.values())
    low, high = engine.display_range
    assert low < high
    card = engine.checkpoint.card
    assert "Not for diagnosis" in card and "simulated" in card and "Licence:" in card


def test_the_checkpoint_holds_no_path_of_this_machine(finished: Path) -> None:
    said = (finished / "checkpoint" / "config.json").read_text() + (finished / "checkpoint" / "card.md").read_text()
    assert str(finished.parent) not in said and "/tmp" not in said


def test_only_the_last_states_are_kept_and_no_draft_is_left(finished: Path) -> None:
    assert sorted(each.name for each in (finished / "states").iterdir()) == ["step-00000030", "step-00000040"]
    assert not [each for each in finished.rglob("*") if "draft" in each.name]


@pytest.mark.parametrize("preset", ["probe", "heads", "lora", "full"])
def test_every_preset_trains_and_leaves_a_checkpoint_that_loads(tiny_base: Path, tmp_path: Path, preset: str) -> None:
    settings = small_settings(tiny_base, preset, max_steps=3, validate_every=3, augment=preset == "full")
    result = run_finetune(tmp_path / "run", settings)
    assert result is not None and result["steps"] == 3
    engine = egma.load_engine(tmp_path / "run" / "checkpoint", device="cpu")
    assert np.isfinite(engine.embed_texts(["Left pleural effusion."])).all()


def test_probabilities_are_fitted_where_validation_films_say_enough(tiny_base: Path, tmp_path: Path) -> None:
    settings = small_settings(tiny_base, validation_phantoms=24, max_steps=2, validate_every=2)
    run_finetune(tmp_path / "run", settings)
    before = egma.load_engine(tiny_base, device="cpu").checkpoint.config.classify["Effusion"]
    after = egma.load_engine(tmp_path / "run" / "checkpoint", device="cpu").checkpoint.config.classify["Effusion"]
    assert after.positive == before.positive
    assert (after.scale, after.bias, after.threshold) != (before.scale, before.bias, before.threshold)
    assert after.spread is not None


def test_the_probe_leaves_the_text_side_and_the_trunk_as_they_were(tiny_base: Path, tmp_path: Path) -> None:
    run_finetune(tmp_path / "run", small_settings(tiny_base, "probe", max_steps=2, validate_every=2))
    before, after = (egma.load_engine(each, device="cpu") for each in (tiny_base, tmp_path / "run" / "checkpoint"))
    words = ["Left pleural effusion.", "No pneumothorax."]
    assert np.array_equal(before.embed_texts(words), after.embed_texts(words))
    study = build_phantom(5, size=(128, 128)).study
    assert not np.array_equal(before.embed_studies([study]).globals, after.embed_studies([study]).globals)


def test_early_stop_ends_a_run_that_gets_no_better(tiny_base: Path, tmp_path: Path) -> None:
    settings = small_settings(tiny_base, learning_rate=1e-12, patience=2, validate_every=2, best_by="pointing")
    result = run_finetune(tmp_path / "run", settings)
    assert result is not None and result["steps"] == 6 < result["planned_steps"]
    assert result["stopped_early"] and not result["gained"]


def test_accumulation_averages_its_passes(tiny_base: Path, tmp_path: Path) -> None:
    settings = small_settings(tiny_base, accumulation=2, max_steps=2, validate_every=2)
    run_finetune(tmp_path / "run", settings)
    assert sorted(steps_of(tmp_path / "run")) == [1, 2]


def test_without_gaze_its_term_is_exactly_zero(tiny_base: Path, tmp_path: Path) -> None:
    run_finetune(tmp_path / "run", small_settings(tiny_base, gaze_share=0.0, max_steps=2, validate_every=2))
    assert [step["gaze_alignment"] for step in steps_of(tmp_path / "run").values()] == [0.0, 0.0]


def test_a_loss_that_is_no_number_ends_the_run_by_name(tiny_base: Path, tmp_path: Path) -> None:
    settings = small_settings(tiny_base, learning_rate=10.0, clip=1000.0, weight_decay=1.0, new_heads=False)
    folder = tmp_path / "run"
    run_finetune(folder, small_settings(tiny_base, max_steps=2, validate_every=2))
    poison_state(folder)
    (folder / "result.json").unlink()
    del settings
    with pytest.raises(JobFailedError, match="not a number"):
        run_finetune(folder, small_settings(tiny_base, max_steps=4, validate_every=2), resume=True)
    state = JobFolder(folder).state()
    assert (state.name, state.cause) == ("failed", "NaN")


def poison_state(folder: Path) -> None:
    """Put a NaN where a diverged training would have one."""
    from safetensors.torch import load_file, save_file

    path = sorted((folder / "states").iterdir())[-1] / "weights.safetensors"
    tensors = load_file(path)
    tensors["text_projection.weight"][0, 0] = float("nan")
    save_file(tensors, path)


def test_a_folder_that_holds_a_run_is_not_mixed_with_another(finished: Path, tiny_base: Path) -> None:
    with pytest.raises(JobError, match="holds a run already"):
        run_finetune(finished, small_settings(tiny_base))
    with pytest.raises(JobError, match="has finished"):
        run_finetune(finished, small_settings(tiny_base), resume=True)


def test_there_is_nothing_to_resume_in_an_empty_folder(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no run to resume"):
        run_finetune(tmp_path, small_settings(tiny_base), resume=True)


def test_a_run_whose_data_changed_is_not_resumed(tiny_base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_finetune(folder, small_settings(tiny_base, max_steps=2, validate_every=2))
    (folder / "result.json").unlink()
    with pytest.raises(SettingsError, match="the data has changed"):
        run_finetune(folder, small_settings(tiny_base, max_steps=4, phantoms=20), resume=True)
