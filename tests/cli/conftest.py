"""A tiny real checkpoint on disk, and the command line as a function."""

from __future__ import annotations

from pathlib import Path

import pytest

from egma.checkpoints import save_checkpoint
from egma.testing.models import build_tiny_config, build_tiny_model
from egma.testing.phantoms import build_phantom, write_phantom_dicom


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `--checkpoint` takes."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_checkpoint(build_tiny_model(), build_tiny_config(), folder, "# tiny\n")
    return folder


@pytest.fixture(scope="session")
def phantom_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom with a left pleural effusion, as DICOM."""
    phantom = build_phantom(3, finding="Effusion", side="left", size=(256, 240))
    return write_phantom_dicom(phantom, tmp_path_factory.mktemp("films") / "phantom.dcm")
