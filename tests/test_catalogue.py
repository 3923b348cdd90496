"""The list of checkpoints: cards, figures, licences and pictures, and folders that are broken or hostile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from egma.catalogue import find_licence, list_entries, read_entry, read_figures, split_pictures
from egma.checkpoints import CheckpointInfo, save_checkpoint
from egma.testing.models import build_tiny_model

PIXEL = bytes.fromhex("89504e470d0a1a0a")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EGMA_DATA", str(tmp_path))
    model = build_tiny_model()
    save_checkpoint(model, model.config, tmp_path / "checkpoints" / "good", "# Good\n\nLicence: MIT\n")
    return tmp_path / "checkpoints"


def entry(root: Path, name: str = "good"):
    return next(each for each in list_entries() if each.name == name)


def test_a_whole_checkpoint_is_listed_with_hash_card_licence_and_config(root: Path) -> None:
    found = entry(root)
    assert (found.problem, found.licence, len(found.hash)) == ("", "MIT", 64)
    assert found.card.startswith("# Good")
    assert found.config is not None and len(found.config.classify) == 15


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "config.json").write_text("{cut"), "not JSON"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "wanted an object"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe\x00"), "not UTF-8"),
        (lambda folder: (folder / "config.json").write_text("{}"), "format_version"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda folder: (folder / "config.json").write_text(" " * 5_000_000), "above"),
    ],
    ids=["cut", "a list", "UTF-16", "empty", "no weights", "huge"],
)
def test_a_broken_checkpoint_is_listed_with_one_sentence_and_harms_no_other(root: Path, spoil, sentence: str) -> None:
    shutil.copytree(root / "good", root / "bad")
    spoil(root / "bad")
    assert sentence in entry(root, "bad").problem
    assert "\n" not in entry(root, "bad").problem
    assert entry(root).problem == ""


def test_what_changes_on_disk_is_seen(root: Path) -> None:
    before = entry(root)
    (root / "good" / "card.md").write_text("# Better\n\n| Licence | CC BY 4.0 |\n")
    assert (before.licence, entry(root).licence) == ("MIT", "CC BY 4.0")
    assert entry(root).hash == before.hash


def test_figures_are_read_by_their_place_and_nonsense_is_none(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text('{"auroc": {"macro": {"value": 0.7, "low": 0.6, "high": null, "n": 9}, "x": 3}, "note": "words"}')
    (found,) = read_figures(path)
    assert (found.name, found.value, found.low, found.high, found.n) == ("auroc.macro", 0.7, 0.6, None, 9)
    for nonsense in ("", "[]", '"x"', "{cut", '{"a": {"value": NaN}}', '{"a": {"value": true}}', "[" * 100_000):
        path.write_text(nonsense)
        assert read_figures(path) == ()
    assert read_figures(tmp_path / "absent.json") == ()


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("Licence: MIT, as stated.", "MIT, as stated."),
        ("**License:** Apache-2.0", "Apache-2.0"),
        ("| **Licence** | `CC BY 3.0` |", "CC BY 3.0"),
        ("The licence of this is unclear", ""),
        ("", ""),
    ],
)
def test_a_cards_licence_is_found_where_it_says_so(card: str, licence: str) -> None:
    assert find_licence(card) == licence


def test_pictures_come_from_beside_the_card_and_from_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for name in ("plot.png", "more_curves.png"):
        (folder / name).write_bytes(PIXEL)
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    card = (
        "Before ![A **plot**](plot.png) between ![gone](absent.png) ![out](../secret.png) ![link](link.png)\n"
        "![far](https://example.org/x.png) ![script](javascript:alert(1)) ![titled](plot.png 'title') end"
    )
    words, pictures = split_pictures(card, folder)
    assert [(each.path.name, each.caption) for each in pictures] == [
        ("plot.png", "A **plot**"),
        ("more_curves.png", "More curves"),
    ]
    words, _ = split_pictures(
        "<img src=https://example.org/x.png> ![by][ref] a < b\n\n[ref]: https://example.org/y", folder
    )
    assert words.startswith(r"\<img") and "![" not in words and "a < b" in words
    words, pictures = split_pictures(card, folder)
    assert "](" not in words
    assert "https" not in words and words.startswith("Before ") and words.endswith(" end")


def test_a_folder_that_is_gone_is_an_entry_with_a_sentence(tmp_path: Path) -> None:
    assert read_entry(CheckpointInfo("gone", tmp_path / "gone")).problem
    assert json.dumps(read_entry(CheckpointInfo("gone", tmp_path / "gone")).problem)
