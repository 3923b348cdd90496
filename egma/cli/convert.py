"""`python -m egma convert {medclip,egma,open-clip}`: a published checkpoint as a folder that every command opens."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, print_json, print_note
from egma.errors import SettingsError

if TYPE_CHECKING:
    from egma.checkpoints import Checkpoint
    from egma.convert.finish import Provenance
    from egma.convert.plan import ImportPlan
    from egma.types import Study

_MAX_FILMS = 64
_TITLES = {"medclip": "MedCLIP", "egma": "EGMA"}
_LICENCES = {
    "medclip": "MIT, as its authors' repository states; its training data, MIMIC-CXR and CheXpert, have other terms.",
    "egma": "EGMA's authors name no licence for code or weights; ask them before any use beyond your own research.",
    "open-clip": "as its publisher states on the model's page; only the file you gave or named was read.",
}
_PADDING = (
    "padding takes no part here: a text embeds as the authors' code embeds it alone, at whatever length the batch"
)


def add_parser(commands: Any) -> None:
    """Add the command, its three doors and their options."""
    parser: argparse.ArgumentParser = commands.add_parser("convert", help="import a published checkpoint")
    families = parser.add_subparsers(dest="family", metavar="FAMILY", required=True)
    for family, files in (("medclip", "MedCLIP-ViT or MedCLIP-ResNet"), ("egma", "EGMA")):
        door = families.add_parser(family, help=f"{files}: its pytorch_model.bin")
        door.add_argument("file", type=Path, metavar="FILE", help="pytorch_model.bin or a safetensors file")
        door.add_argument("--image-tower", type=Path, metavar="DIR", help="folder with the Swin's config.json")
        door.add_argument("--text-tower", type=Path, metavar="DIR", help="folder of Bio_ClinicalBERT")
        _add_shared(door, run_published)
    door = families.add_parser("open-clip", help="any open_clip model, BiomedCLIP included")
    door.add_argument("model", metavar="NAME_OR_DIR", help="folder in the hub's layout, hf-hub:OWNER/NAME, or NAME:TAG")
    door.add_argument("--text-tower", type=Path, metavar="DIR", help="text tower's config.json and tokenizer, if apart")
    _add_shared(door, run_open_clip)


def run_published(arguments: argparse.Namespace) -> int:
    """Import MedCLIP or EGMA."""
    from egma.convert.finish import Provenance
    from egma.convert.published import find_heads, plan_import
    from egma.convert.text_files import read_text_config, write_text_files
    from egma.convert.weight_files import find_weights, load_tensors
    from egma.digest import digest_file

    _check_out(arguments.out)
    films = _load_films(arguments.films)
    path = find_weights(arguments.file)
    tensors = load_tensors(path)
    find_heads(arguments.family, tensors)
    with tempfile.TemporaryDirectory() as root:
        settings = read_text_config(arguments.text_tower)
        text = write_text_files(settings, arguments.text_tower, Path(root))
        plan = plan_import(arguments.family, tensors, arguments.image_tower, text)
        title = f"{_TITLES[arguments.family]}, imported"
        licence = _LICENCES[arguments.family]
        provenance = Provenance(title, path.name, digest_file(path), licence, (_PADDING,), plan.unused)
        return _save(plan, provenance, Path(root), films, arguments)


def run_open_clip(arguments: argparse.Namespace) -> int:
    """Import an open_clip model."""
    from egma.convert.clip_source import find_clip
    from egma.convert.finish import Provenance
    from egma.convert.openclip import plan_clip
    from egma.convert.weight_files import load_tensors
    from egma.digest import digest_file

    _check_out(arguments.out)
    films = _load_films(arguments.films)
    source = find_clip(arguments.model)
    tensors = load_tensors(source.weights)
    with tempfile.TemporaryDirectory() as root:
        plan, remarks = plan_clip(source, tensors, Path(root), arguments.text_tower)
        title, licence = f"{source.name}, imported from open_clip", _LICENCES["open-clip"]
        provenance = Provenance(title, source.name, digest_file(source.weights), licence, remarks, plan.unused)
        return _save(plan, provenance, Path(root), films, arguments)


def _check_out(out: Path) -> None:
    """Before minutes of work: where the checkpoint goes must be free for it."""
    from egma.checkpoints import check_replaceable

    try:
        check_replaceable(out)
    except OSError as error:
        raise SettingsError(f"--out: {out.name!r} cannot be looked into ({error.strerror})") from None


def _save(
    plan: ImportPlan, provenance: Provenance, root: Path, films: list[Study], arguments: argparse.Namespace
) -> int:
    from egma.convert.finish import save_import
    from egma.convert.plan import fill_model

    model = fill_model(plan, root)
    try:
        saved = save_import(model, plan.config, arguments.out, provenance, tower_files=root, films=films)
    except OSError as error:
        raise SettingsError(f"--out: {arguments.out.name!r} cannot be written ({error.strerror})") from error
    return _report(saved, provenance, arguments.json)


def _add_shared(parser: argparse.ArgumentParser, run: Any) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the checkpoint's folder: new, empty, or one to replace"
    )
    parser.add_argument(
        "--films", type=Path, metavar="DIR", help="films the display range is measured on (default: phantoms)"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def _load_films(folder: Path | None) -> list[Study]:
    """Up to 64 films of a folder; phantoms stand in where none is given."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise SettingsError(f"--films: {folder.name!r} is no folder; give one with films, or leave the option out")
    import egma
    from egma.errors import FilmError

    films: list[Study] = []
    passed_over = 0
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        try:
            films.append(egma.load_study(path))
        except FilmError:
            passed_over += 1
        if len(films) == _MAX_FILMS:
            break
    if passed_over:
        print_note(f"--films: {passed_over} files that are no readable films were passed over")
    if not films:
        raise SettingsError(f"--films: {folder.name!r} holds no film that can be read; leave the option out")
    return films


def _report(saved: Checkpoint, provenance: Provenance, as_json: bool) -> int:
    for remark in provenance.remarks:
        print_note(f"note: {remark}")
    if provenance.unused:
        names = ", ".join(provenance.unused[:5]) + (", ..." if len(provenance.unused) > 5 else "")
        print_note(f"note: {len(provenance.unused)} tensors that no embedding passes through were left out: {names}")
    if as_json:
        print_json(
            {"name": saved.name, "hash": saved.hash, "folder": str(saved.folder), "unused": [*provenance.unused]}
        )
    else:
        print(f"saved {saved.name} {saved.hash[:8]}; open it with --checkpoint {_asked_for_by(saved)}")
    return 0


def _asked_for_by(saved: Checkpoint) -> str:
    """Its name where that finds it, else its folder."""
    from egma.checkpoints import list_checkpoints

    by_name = any(info.folder.resolve() == saved.folder for info in list_checkpoints())
    return saved.name if by_name else str(saved.folder)
