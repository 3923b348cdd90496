"""`python -m egma ground IMAGE --text "..."`: where the model finds each phrase, as numbers and as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, add_model_options, print_json, print_note
from egma.errors import SettingsError

if TYPE_CHECKING:
    from egma.types import GroundingMap, Study

CAVEAT = "Research use only, not for diagnosis. Similarity says where the model looks, not that a finding is there."


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser("ground", help="where a film shows what a phrase says")
    parser.add_argument("image", metavar="IMAGE", help="a DICOM, PNG, JPEG or TIFF film")
    parser.add_argument("--text", action="append", required=True, metavar="PHRASE", help="may be given several times")
    parser.add_argument("--out", type=Path, metavar="PNG", help="write the film with the maps drawn on it")
    add_model_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ground every phrase on the film, print what was found, and draw it where `--out` asks."""
    import egma
    from egma.inference.prompts import clean_phrases

    phrases = clean_phrases("\n".join(arguments.text))
    _check_out(arguments.out)
    study = egma.load_study(arguments.image)
    for warning in study.warnings:
        print_note(f"{arguments.image}: {warning}")
    engine = egma.load_engine(arguments.checkpoint, device=arguments.device)
    maps = engine.ground(study, phrases)
    overlay = None
    if arguments.out is not None:
        _save_overlay(arguments.out, study, maps, f"{engine.checkpoint.name} {engine.checkpoint.hash[:8]}")
        overlay = str(arguments.out)
    if arguments.json:
        print_json({found.phrase: _as_json(found, overlay) for found in maps})
    else:
        _print_lines(maps)
    return 0


def _check_out(out: Path | None) -> None:
    if out is None:
        return
    if out.suffix.lower() != ".png":
        raise SettingsError(f"--out wants a file ending in .png, got {out.name!r}; the overlay is written as PNG")
    if not out.parent.is_dir():
        raise SettingsError(f"--out: the folder {str(out.parent)!r} does not exist; create it first")


def _save_overlay(out: Path, study: Study, maps: list[GroundingMap], checkpoint: str) -> None:
    from PIL import Image

    from egma.inference.overlay import draw_overlay

    Image.fromarray(draw_overlay(study, maps, checkpoint=checkpoint)).save(out)


def _as_json(found: GroundingMap, overlay: str | None) -> dict[str, Any]:
    return {
        "grid": [[round(float(value), 6) for value in row] for row in found.grid],
        "max": round(float(found.grid.max()), 6),
        "peak_xy_px": [round(value, 2) for value in found.peak_xy_px],
        "display_range": list(found.display_range),
        "overlay": overlay,
    }


def _print_lines(maps: list[GroundingMap]) -> None:
    for found in maps:
        x_px, y_px = found.peak_xy_px
        low, high = found.display_range
        print(
            f"{found.phrase}: cosine {found.grid.max():.3f} at x {x_px:.0f}, y {y_px:.0f} px "
            f"(colours run {low:.3f} to {high:.3f})"
        )
    print_note(CAVEAT)
