"""`python -m egma gaze --expected`: where a model expects a reader to look, and how well that fits recorded gaze."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import print_note
from egma.errors import SettingsError
from egma.wording import three_digits

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack
    from egma.types import Float32, Study

# What says something of a recording, and so cannot be asked of a film alone.
OF_A_RECORDING = ("recording", "regions", "measures", "map", "other", "export", "raw")


def names_a_film(file: Path) -> bool:
    """Whether the file is a picture or a DICOM film, told by its content."""
    from egma.gaze.bundle import is_film
    from egma.gaze.formats import read_head

    return file.is_file() and is_film(read_head(file))


def describe_film(arguments: argparse.Namespace) -> dict[str, Any]:
    """Expected gaze on a film that nobody recorded: `film`, `expected`, and the density in `--out` where it is wanted.

    Raises:
        EgmaError: an option speaks of a recording, or the film or the checkpoint cannot be read.
    """
    import egma

    wrong = next((name for name in OF_A_RECORDING if getattr(arguments, name)), None)
    if wrong is not None:
        raise SettingsError(
            f"--{wrong} says something of a recording and there is none; give its file, or leave it out"
        )
    study = egma.load_study(arguments.image)
    for warning in study.warnings:
        print_note(f"{arguments.image}: {warning}")
    expected, density = expected_gaze(study, arguments, None)
    if arguments.out is not None:
        save_predicted(arguments.out, density, study.shape)
    return {"film": list(study.shape), "expected": expected}


def expected_gaze(
    study: Study, arguments: argparse.Namespace, track: GazeTrack | None
) -> tuple[dict[str, Any], Float32]:
    """Expected gaze as the page's tab gives it, labelled predicted, and its density on the reduced film.

    Args:
        study: the film.
        arguments: `checkpoint`, `device` and `other`.
        track: the recording's fixations on the film; None where nobody was recorded.
    """
    from egma.cli.gaze_answers import load_others, measure_values
    from egma.gaze.asking import ask_expected
    from egma.gaze.describe import small_density
    from egma.gaze.versus import compare_with_reader
    from egma.inference import load_engine

    engine = load_engine(arguments.checkpoint, device=arguments.device)
    found = ask_expected(engine, study)
    agreement = None
    if track is not None:
        others = load_others(arguments, study.shape, track)
        versus = compare_with_reader(found.density, track, shape=study.shape, others=others)
        agreement = {"reader": track.name, "simulated": track.simulated, "values": measure_values(versus)}
    expected = {
        "label": found.label,
        "checkpoint": f"{engine.checkpoint.name} {engine.checkpoint.hash[:8]}",
        "density": small_density(found.density),
        "regions": _shares(found.density),
        "agreement": agreement,
    }
    return expected, found.density


def save_predicted(out: Path, density: Float32, shape: tuple[int, int]) -> None:
    """Write a predicted density on the film's pixels: float32 (H, W), sums to 1."""
    import numpy as np
    from PIL import Image

    height, width = shape
    large = np.asarray(Image.fromarray(density, "F").resize((width, height), Image.Resampling.BILINEAR), np.float32)
    np.save(out, large / max(float(large.sum(dtype=np.float64)), np.finfo(np.float32).tiny))


def print_expected(expected: dict[str, Any]) -> None:
    """Lines for people: what it is, where it expects looking, and how well that fits the recording."""
    print(f"Expected gaze by {expected['checkpoint']}: {expected['label']}")
    for region in sorted(expected["regions"], key=lambda each: -each["share"]):
        print(f"  {region['region']}: {region['share']:.0%} of looking expected")
    agreement = expected["agreement"]
    if agreement is None:
        print("  no recording was given, so that its agreement with a reader is not known here")
        return
    kind = "simulated" if agreement["simulated"] else "recorded"
    print(f"  against {agreement['reader']} ({kind}), with the floor of the centre bias alone:")
    for name, values in agreement["values"].items():
        model, ceiling, floor = (three_digits(values[each]) for each in ("model", "ceiling", "floor"))
        print(f"    {name}: {model}, ceiling {ceiling}, floor {floor}")


def _shares(density: Float32) -> list[dict[str, Any]]:
    """The share of expected looking in each sixth of the film."""
    from egma.gaze.regions import film_sixths

    shape = (density.shape[0], density.shape[1])
    sixths = [(each.name, float(density[each.mask(shape)].sum())) for each in film_sixths(shape)]
    return [{"region": name, "share": round(share, 6)} for name, share in sixths]
