"""`python -m egma gaze FILE [--image IMAGE]`: a recording, its map, its regions, a model's maps and expected gaze."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.gaze_expected import describe_film, expected_gaze, names_a_film
from egma.cli.options import add_json_option, add_model_options, print_json, print_note
from egma.errors import EgmaError, SettingsError

if TYPE_CHECKING:
    from egma.gaze.recordings import Recordings
    from egma.gaze.track import GazeTrack
    from egma.types import Study

CAVEAT = "Research use only. Gaze is personal data of the reader: share maps rather than recordings."


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser("gaze", help="what a gaze recording holds, and its map")
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="a recording in any supported format, or a data set's folder; none with --expected on a film alone",
    )
    parser.add_argument("--image", metavar="IMAGE", help="the film it was recorded on")
    parser.add_argument("--recording", metavar="NAME", help="which one, where the file holds many")
    parser.add_argument("--out", type=Path, metavar="NPY", help="write the density on the film's pixels as .npy")
    parser.add_argument("--regions", action="store_true", help="first look, dwell, visits and coverage of each region")
    parser.add_argument(
        "--measures",
        action="store_true",
        help="agreement of a model's map with the reader, for the whole recording and each sentence (wants --image)",
    )
    parser.add_argument("--map", type=Path, metavar="NPY", help="with --measures: a map of the film, not a model's")
    parser.add_argument(
        "--expected",
        action="store_true",
        help="where the model expects a reader to look (predicted, never recorded), and with a recording how well that "
        "fits it, beside the floor of the centre bias (wants --image)",
    )
    parser.add_argument(
        "--other",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="another reader: the ceiling",
    )
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write maps, tables and replay into a new folder")
    parser.add_argument("--raw", action="store_true", help="with --export: also the samples, which are personal data")
    add_model_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Describe the recording, or list the recordings of a file that holds many."""
    from egma.gaze import GazeTrack, load_gaze

    _check_options(arguments)
    if arguments.file is None:
        return _print(describe_film(arguments), arguments)
    found = load_gaze(arguments.file, on_progress=_progress())
    if not isinstance(found, GazeTrack):
        if arguments.recording is None and not _asks_for_one(arguments):
            return _list(found, arguments.json)
        found = _choose(found, arguments.recording)
    return _print(_describe(found, arguments), arguments)


def _print(result: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.json:
        print_json(result)
    else:
        from egma.cli.gaze_lines import print_lines

        print_lines(result)
        print_note(CAVEAT)
    return 0


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that cannot be met, before anything is read; a film alone may be the file of `--expected`."""
    if arguments.expected and arguments.image is None and arguments.file is not None and names_a_film(arguments.file):
        arguments.file, arguments.image = None, str(arguments.file)
    if arguments.file is None and not (arguments.expected and arguments.image is not None):
        raise SettingsError("there is no recording; give its FILE, or a film with --image FILM --expected")
    if arguments.out is not None and arguments.out.suffix.lower() != ".npy":
        raise SettingsError(
            f"--out wants a file ending in .npy, got {arguments.out.name!r}; the density is a NumPy array"
        )
    for name, path in (("--out", arguments.out), ("--export", arguments.export)):
        if path is not None and not path.absolute().parent.is_dir():
            raise SettingsError(f"{name}: the folder {str(path.parent)!r} does not exist; create it first")
    if arguments.export is not None and arguments.export.exists():
        raise SettingsError(f"--export wants a new folder, {arguments.export.name!r} is there already; name another")
    if arguments.raw and arguments.export is None:
        raise SettingsError("--raw says what --export writes; add --export FOLDER")
    if (arguments.measures or arguments.export is not None or arguments.expected) and arguments.image is None:
        raise SettingsError("--measures, --expected and --export want the film; give it with --image")
    compares = arguments.measures or arguments.export is not None
    if (arguments.map is not None and not compares) or (arguments.other and not (compares or arguments.expected)):
        raise SettingsError("--map and --other say what --measures compares; add --measures")


def _choose(recordings: Recordings, name: str | None) -> GazeTrack:
    """The recording of that name; without one the only one there is, beside those that were left out."""
    if name is not None:
        return recordings.find(name)
    if len(recordings) > 1:
        raise SettingsError(f"the file holds {len(recordings)} recordings; choose one with --recording NAME")
    for skipped in recordings.skipped:
        print_note(f"left out {skipped.name}: {skipped.reason}")
    return recordings[0]


def _asks_for_one(arguments: argparse.Namespace) -> bool:
    return any(
        (arguments.image, arguments.out, arguments.regions, arguments.measures, arguments.expected, arguments.export)
    )


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
    from egma.gaze.describe import describe_recording, sentence_rows

    study = _film(track, arguments.image)
    found = describe_recording(track, None if study is None else study.shape)
    for note in (*track.notes, found.frame.note):
        if note:
            print_note(note)
    if arguments.out is not None:
        _save(arguments.out, found.density)
    fixations = found.fixations
    result: dict[str, Any] = {
        "source": track.source,
        "ids": track.ids,
        "simulated": track.simulated,
        **found.as_json(),
        "samples": found.samples,
        "film": list(found.frame.shape),
        "off_image": int((~fixations.on_image(found.frame.shape)).sum()),
        "sentences": sentence_rows(fixations),
        "notes": [*track.notes, *filter(None, [found.frame.note])],
    }
    if arguments.regions or study is not None:
        _answer(result, track, found, study, arguments)
    return result


def _answer(
    result: dict[str, Any], track: GazeTrack, found: Any, study: Study | None, arguments: argparse.Namespace
) -> None:
    """Add regions and measures, and write files, as far as they were asked for."""
    from egma.cli.gaze_answers import add_measures, add_regions, write_files

    if arguments.regions:
        add_regions(result, found.fixations, found.frame.shape)
    if study is None:
        return
    predicted = None
    if arguments.expected:
        result["expected"], predicted = expected_gaze(study, arguments, found.fixations)
    compared = add_measures(result, found.fixations, study, arguments) if arguments.measures else []
    if arguments.export is not None:
        write_files(arguments.export, track, found, study, compared, predicted=predicted, raw=arguments.raw)
        print_note(f"written into {arguments.export}")


def _film(track: GazeTrack, image: str | None) -> Study | None:
    """The film of `--image`, after checking that the recording is of it; None without one."""
    if image is None:
        return None
    import egma
    from egma.gaze.formats.eyegaze import DICOM_ID

    study = egma.load_study(image)
    for warning in study.warnings:
        print_note(f"{image}: {warning}")
    stem = Path(image).stem
    track.for_film(study.shape, dicom_id=stem if DICOM_ID.fullmatch(stem) else None)
    return study


def _save(out: Path, density: Any) -> None:
    import numpy as np

    np.save(out, density)
