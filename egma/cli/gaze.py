"""`python -m egma gaze FILE [--image IMAGE]`: what a gaze recording holds, and where its reader looked on the film."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, print_json, print_note
from egma.errors import EgmaError, SettingsError

if TYPE_CHECKING:
    from egma.gaze.recordings import Recordings
    from egma.gaze.track import GazeTrack

DENSITY_SIDE = 64
CAVEAT = "Research use only. Gaze is personal data of the reader: share maps rather than recordings."


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser("gaze", help="what a gaze recording holds, and its map")
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a recording in any supported format, or a data set's folder"
    )
    parser.add_argument("--image", metavar="IMAGE", help="the film it was recorded on")
    parser.add_argument("--recording", metavar="NAME", help="which one, where the file holds many")
    parser.add_argument("--out", type=Path, metavar="NPY", help="write the density on the film's pixels as .npy")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Describe the recording, or list the recordings of a file that holds many."""
    from egma.gaze import GazeTrack, load_gaze

    if arguments.out is not None and arguments.out.suffix.lower() != ".npy":
        raise SettingsError(
            f"--out wants a file ending in .npy, got {arguments.out.name!r}; the density is a NumPy array"
        )
    if arguments.out is not None and not arguments.out.parent.is_dir():
        raise SettingsError(f"--out: the folder {str(arguments.out.parent)!r} does not exist; create it first")
    found = load_gaze(arguments.file, on_progress=_progress())
    if not isinstance(found, GazeTrack):
        if arguments.recording is None and arguments.image is None and arguments.out is None:
            return _list(found, arguments.json)
        if arguments.recording is None:
            raise SettingsError(f"the file holds {len(found)} recordings; choose one with --recording NAME")
        found = found.find(arguments.recording)
    result = _describe(found, arguments)
    if arguments.json:
        print_json(result)
    else:
        _print_lines(result)
    return 0


def _progress() -> Callable[[int, int], None]:
    """A reporter that prints every tenth, and nothing for what is done at once."""
    tenths = [0]

    def report(done: int, total: int) -> None:
        if done < total and done * 10 // total > tenths[0]:
            tenths[0] = done * 10 // total
            print_note(f"indexing: {done / total:.0%}")

    return report


def _list(recordings: Recordings, as_json: bool) -> int:
    rows: list[dict[str, Any]] = []
    for entry in recordings.entries:
        try:
            track = entry.load().fixations()
            rows.append({"name": entry.name, "fixations": len(track), "duration_s": _duration(track)})
        except EgmaError as error:
            print_note(f"{entry.name}: {error}")
    for skipped in recordings.skipped:
        print_note(f"left out {skipped.name}: {skipped.reason}")
    if as_json:
        print_json({"recordings": rows, "skipped": {each.name: each.reason for each in recordings.skipped}})
    else:
        for row in rows:
            print(f"{row['name']}  {row['fixations']} fixations in {row['duration_s']:.1f} s")
    return 0


def _describe(track: GazeTrack, arguments: argparse.Namespace) -> dict[str, Any]:
    from egma.gaze.grid import thumbnail
    from egma.gaze.transcript import sentence_gaze, split_words

    shape = _film_shape(track, arguments.image)
    if arguments.out is not None and shape is None:
        raise SettingsError("--out wants the film, for its size: give it with --image")
    for note in track.notes:
        print_note(note)
    kind, samples = track.kind, len(track)
    fixations = track.fixations()
    density = None
    if shape is not None:
        density = fixations.density(shape)
        fixations = fixations.in_frame(shape)
        if arguments.out is not None:
            _save(arguments.out, density)
    return {
        "source": track.source,
        "ids": track.ids,
        "simulated": track.simulated,
        "fixations": len(fixations),
        "samples": samples if kind == "samples" else 0,
        "off_image": None if shape is None else int((~fixations.on_image(shape)).sum()),
        "duration_s": _duration(track),
        "density": None if density is None else thumbnail(density, DENSITY_SIDE).round(8).tolist(),
        "sentences": [
            {
                "text": sentence.text,
                "start_s": sentence.start_s,
                "end_s": sentence.end_s,
                "fixations": len(sentence_gaze(fixations, sentence)),
            }
            for sentence in split_words(track.words)
        ],
        "notes": list(track.notes),
    }


def _film_shape(track: GazeTrack, image: str | None) -> tuple[int, int] | None:
    """The film's (H, W): of `--image`, after checking that the recording is of it; else as the recording says."""
    if image is None:
        return track.frame_hw if track.frame_hw != (1, 1) else None
    import egma
    from egma.gaze.formats.eyegaze import DICOM_ID

    study = egma.load_study(image)
    for warning in study.warnings:
        print_note(f"{image}: {warning}")
    stem = Path(image).stem
    track.for_film(study.shape, dicom_id=stem if DICOM_ID.fullmatch(stem) else None)
    return study.shape


def _save(out: Path, density: Any) -> None:
    import numpy as np

    np.save(out, density)


def _duration(track: GazeTrack) -> float:
    """Seconds from the first fixation or sample to the end of the last."""
    length = float(track.end_s[-1] - track.start_s[0]) if len(track) else 0.0
    return round(length, 6) if math.isfinite(length) else 0.0


def _print_lines(result: dict[str, Any]) -> None:
    label = "simulated recording" if result["simulated"] else "recording"
    print(f"{result['source']} {label}: {result['fixations']} fixations in {result['duration_s']:.1f} s")
    if result["samples"]:
        print(f"from {result['samples']} samples")
    if result["off_image"] is not None:
        print(f"{result['off_image']} of them off the film")
    for sentence in result["sentences"]:
        print(f"  {sentence['start_s']:7.2f} s  {sentence['fixations']:3d} fixations  {sentence['text']}")
    print_note(CAVEAT)
