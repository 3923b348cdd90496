"""A tiny real checkpoint on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from egma.checkpoints import save_checkpoint
from egma.testing.models import build_tiny_config, build_tiny_model


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `--checkpoint` takes."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_checkpoint(build_tiny_model(), build_tiny_config(), folder, "# tiny\n")
    return folder
