"""What `python -m egma gaze` adds when asked: the region table, agreement with a model or a map, and files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import print_note
from egma.errors import EgmaError, GazeError

if TYPE_CHECKING:
    from egma.gaze.describe import Description
    from egma.gaze.track import GazeTrack
    from egma.gaze.versus import Versus
    from egma.types import Float32, Study

Compared = list[tuple[str, "Versus"]]
WHOLE = "the whole recording"


def add_regions(result: dict[str, Any], track: GazeTrack, shape: tuple[int, int]) -> None:
    """`regions`: what gaze did in the recording's own regions, or in sixths of the film where it has none."""
    from egma.gaze.regions import film_sixths, measure_regions

    regions = list(track.regions) or film_sixths(shape)
    result["regions"] = [asdict(row) for row in measure_regions(track, regions, shape)]


def add_measures(result: dict[str, Any], track: GazeTrack, study: Study, arguments: argparse.Namespace) -> Compared:
    """`measures`: every measure of a model's maps, or of one map, for the whole recording and each sentence."""
    compared = _compare_all(track, study, arguments)
    result["measures"] = [{"sentence": words, "values": measure_values(found)} for words, found in compared]
    return compared


def measure_values(found: Versus) -> dict[str, dict[str, float | None]]:
    """Every measure by its name: the model's value, the other readers' and the centre bias's; None where unknown."""
    from egma.gaze.meaning import measure_lines

    return {
        line.measure.name: {"model": line.model, "ceiling": line.ceiling, "floor": line.floor}
        for line in measure_lines(found)
    }


def load_others(arguments: argparse.Namespace, shape: tuple[int, int], track: GazeTrack) -> list[GazeTrack]:
    """The readers of `--other`, on the film of `shape`, each another one than `track`."""
    return [_load_other(path, shape, track) for path in arguments.other]


def _compare_all(track: GazeTrack, study: Study, arguments: argparse.Namespace) -> Compared:
    from egma.gaze.transcript import sentence_gaze, split_words
    from egma.gaze.versus import compare_with_reader

    sentences = split_words(track.words)
    others = load_others(arguments, study.shape, track)
    parts = [(WHOLE, track), *((each.text, sentence_gaze(track, each)) for each in sentences)]
    saliency = _maps(study, [each.text for each in sentences], arguments)
    compared: Compared = []
    for (words, gaze), image in zip(parts, saliency):
        try:
            compared.append((words, compare_with_reader(image, gaze, shape=study.shape, others=others)))
        except GazeError as error:
            print_note(f"{words}: {error}")
    return compared


def _maps(study: Study, sentences: Sequence[str], arguments: argparse.Namespace) -> list[Float32]:
    """The map for the whole recording and one for each sentence; the same for all where it was given."""
    if arguments.map is not None:
        return [_read_map(arguments.map, study.shape)] * (1 + len(sentences))
    from egma.gaze.asking import ask_expected, ask_map
    from egma.inference import load_engine

    engine = load_engine(arguments.checkpoint, device=arguments.device)
    return [ask_expected(engine, study, sentences).density, *(ask_map(engine, study, words) for words in sentences)]


def _read_map(path: Path, shape: tuple[int, int]) -> Float32:
    import numpy as np

    try:
        image = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise GazeError(f"--map wants a NumPy array of the film's size, {path.name!r} cannot be read as one") from None
    if image.shape != tuple(shape) or image.dtype.kind not in "fiu":
        raise GazeError(f"--map wants the film's {shape[0]} x {shape[1]} numbers, got {image.shape}; resize it")
    return image.astype(np.float32)


def _load_other(path: Path, shape: tuple[int, int], track: GazeTrack) -> GazeTrack:
    from egma.gaze import GazeTrack, load_gaze
    from egma.gaze.merge import check_other_reader

    found = load_gaze(path)
    if not isinstance(found, GazeTrack):
        raise GazeError(f"--other wants a file of one recording, {path.name!r} holds {len(found)}")
    other = found.for_film(shape).fixations()
    check_other_reader(other, track, track.name)
    return other


def write_files(
    folder: Path,
    track: GazeTrack,
    found: Description,
    study: Study,
    compared: Compared,
    *,
    predicted: Float32 | None = None,
    raw: bool,
) -> None:
    """Density, regions, sentences, measures and replay; a predicted density; the samples where `raw` says so.

    Raises:
        EgmaError: the folder cannot be written.
    """
    import numpy as np

    from egma.cli.gaze_expected import save_predicted
    from egma.gaze.export import write_samples_csv, write_sentences_csv
    from egma.gaze.meaning import write_measures_csv
    from egma.gaze.regions import film_sixths, measure_regions, write_regions_csv
    from egma.gaze.replay import draw_replay_gif

    label = "simulated" if track.simulated else "recorded"
    fixations, shape = found.fixations, found.frame.shape
    rows = measure_regions(fixations, list(fixations.regions) or film_sixths(shape), shape)
    try:
        folder.mkdir()
        np.save(folder / f"{label}-density.npy", found.density)
        (folder / f"{label}-regions.csv").write_text(write_regions_csv(rows), "utf-8")
        (folder / "sentences.csv").write_text(write_sentences_csv([(track.name, fixations)]), "utf-8")
        (folder / f"{label}-replay.gif").write_bytes(draw_replay_gif(study, fixations))
        if compared:
            named = [(f"{track.name} ({label})", words, each) for words, each in compared]
            (folder / "measures.csv").write_text(write_measures_csv(named), "utf-8")
        if predicted is not None:
            save_predicted(folder / "predicted-density.npy", predicted, study.shape)
        if raw:
            (folder / f"{label}-samples.csv").write_text(write_samples_csv(track.in_frame(shape)), "utf-8")
    except OSError as problem:
        raise EgmaError(f"--export: the files cannot be written ({problem.strerror}); choose another folder") from None
