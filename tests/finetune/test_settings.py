"""Settings: all problems at once, hostile values in one clear sentence, presets and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from egma.errors import SettingsError
from egma.finetune.rules import PRESETS, RULES
from egma.finetune.settings import FIELDS, build_settings, find_problems, read_settings, settings_values


def test_every_setting_has_a_rule_and_every_rule_a_setting() -> None:
    assert set(RULES) == set(FIELDS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_right_as_it_is_and_reads_back_from_its_own_file(preset: str, tmp_path: Path) -> None:
    settings = build_settings(preset)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**settings_values(settings), "provenance": {"revision": "abc"}}))
    assert read_settings(path) == settings


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as told:
        build_settings("heads", {"batch": 0, "learning_rate": "fast", "colour": 1, "grids": "all"})
    said = str(told.value)
    assert "4 problems" in said
    for words in (
        "batch: wanted a whole number from 2 to 1,024, got 0",
        "learning_rate",
        "'colour' is no setting",
        "grids",
    ):
        assert words in said


HOSTILE: list[tuple[str, Any]] = [
    ("learning_rate", float("nan")),
    ("learning_rate", float("inf")),
    ("learning_rate", 0),
    ("learning_rate", -1),
    ("learning_rate", True),
    ("learning_rate", None),
    ("learning_rate", [1e-3]),
    ("learning_rate", 10**400),
    ("batch", 3.5),
    ("batch", 10**30),
    ("epochs", "10"),
    ("epochs", {"a": 1}),
    ("preset", "../../etc"),
    ("preset", ["demo"]),
    ("device", "cuda:0; rm -rf /"),
    ("device", "cuda:٣"),
    ("precision", "fp4"),
    ("augment", 1),
    ("augment", "yes"),
    ("name", "../escape"),
    ("name", "a/b"),
    ("name", "x" * 65),
    ("name", "<b>"),
    ("name", "${HOME}"),
    ("name", "a\n"),
    ("data", "a\0b"),
    ("data", 7),
    ("data", "x" * 5000),
    ("base", "\0"),
    ("gaze_share", 1.5),
    ("gaze_threshold", -0.1),
    ("seed", -1),
    ("seed", 2**40),
]


@pytest.mark.parametrize(("name", "value"), HOSTILE, ids=lambda each: repr(each)[:30])
def test_a_hostile_value_is_one_clear_sentence(name: str, value: Any) -> None:
    (problem,) = find_problems({name: value})
    assert problem.startswith(f"{name}: wanted ") and "got" in problem and len(problem) < 200 and "\n" not in problem
    with pytest.raises(SettingsError):
        build_settings("heads", {name: value})


@pytest.mark.parametrize(
    "name", ["", "__class__", "a\nb", "<img src=x onerror=1>", "x" * 1000], ids=lambda name: name[:20]
)
def test_an_unknown_setting_is_named_short_and_on_one_line(name: str) -> None:
    (problem,) = find_problems({name: 1})
    assert "is no setting" in problem and len(problem) < 80 and "\n" not in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "wanted a JSON object"),
        (b"[]", "got list"),
        (b"{", "wanted a JSON object"),
        (b"\xff\xfe{\x00}\x00", "in UTF-8"),
        (b"[" * 100_000, "wanted a JSON object"),
        (b"{" + b" " * 1_000_001 + b"}", "above 1000000 bytes"),
        (b'{"learning_rate": NaN}', "learning_rate"),
        (b'{"learning_rate": 1e999}', "learning_rate"),
        (b'{"preset": "tiny"}', "preset: wanted one of"),
    ],
    ids=lambda each: repr(each)[:24],
)
def test_a_file_that_holds_no_settings_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        read_settings(path)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(SettingsError, match=r"cannot be read|no ordinary file"):
            read_settings(path)


def test_a_preset_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"preset": "probe"}')
    assert read_settings(path, "probe").preset == "probe"
    with pytest.raises(SettingsError, match="--preset says full"):
        read_settings(path, "full")


def test_settings_that_contradict_each_other_are_refused() -> None:
    nothing = dict.fromkeys(
        ("contrastive_weight", "gaze_alignment_weight", "gaze_mapping_weight", "label_alignment_weight"), 0
    )
    with pytest.raises(SettingsError, match="nothing would be learned"):
        build_settings("heads", nothing)
    with pytest.raises(SettingsError, match="the preset demo trains on phantoms"):
        build_settings("demo", {"data": "/data/films"})


def test_whole_numbers_may_be_written_as_json_likes() -> None:
    settings = build_settings("heads", {"batch": 16.0, "clip": 2})
    assert (settings.batch, settings.clip) == (16, 2.0) and type(settings.batch) is int and type(settings.clip) is float
