"""`python -m egma gaze FILE [--image IMAGE]`: what a gaze recording holds, and where its reader looked on the film."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, print_json, print_note
from egma.errors import EgmaError, SettingsError

if TYPE_CHECKING:
    from egma.gaze.recordings import Recordings
    from egma.gaze.track import GazeTrack

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
    from egma.gaze.describe import recording_length_s

    rows: list[dict[str, Any]] = []
    for entry in recordings.entries:
        try:
            track = entry.load().fixations()
            rows.append({"name": entry.name, "fixations": len(track), "duration_s": recording_length_s(track)})
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
    from egma.gaze.describe import describe_recording
    from egma.gaze.transcript import sentence_gaze, split_words

    found = describe_recording(track, _film_shape(track, arguments.image))
    for note in (*track.notes, found.frame.note):
        if note:
            print_note(note)
    if arguments.out is not None:
        _save(arguments.out, found.density)
    fixations = found.fixations
    return {
        "source": track.source,
        "ids": track.ids,
        "simulated": track.simulated,
        **found.as_json(),
        "samples": found.samples,
        "film": list(found.frame.shape),
        "off_image": int((~fixations.on_image(found.frame.shape)).sum()),
        "sentences": [
            {
                "text": sentence.text,
                "start_s": sentence.start_s,
                "end_s": sentence.end_s,
                "fixations": len(sentence_gaze(fixations, sentence)),
            }
            for sentence in split_words(track.words)
        ],
        "notes": [*track.notes, *filter(None, [found.frame.note])],
    }


def _film_shape(track: GazeTrack, image: str | None) -> tuple[int, int] | None:
    """The (H, W) of `--image`, after checking that the recording is of it; None without one."""
    if image is None:
        return None
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


def _print_lines(result: dict[str, Any]) -> None:
    label = "simulated recording" if result["simulated"] else "recording"
    print(f"{result['source']} {label}: {result['fixations']} fixations in {result['duration_s']:.1f} s")
    if result["samples"]:
        print(f"from {result['samples']} samples")
    print(f"{result['off_image']} of them off the film")
    for sentence in result["sentences"]:
        print(f"  {sentence['start_s']:7.2f} s  {sentence['fixations']:3d} fixations  {sentence['text']}")
    print_note(CAVEAT)
