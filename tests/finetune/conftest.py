"""The tiny base once, and accelerate's process-wide state forgotten between tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.finetune.bases import save_tiny_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of the tiny model."""
    return save_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture
def fresh_accelerate() -> Iterator[None]:
    """accelerate keeps precision and device for the process; runs in one process each begin anew."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said on standard error."""

    returncode: int
    stderr: str


@pytest.fixture
def finetune(
    fresh_accelerate: None,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Said]:
    """`python -m egma finetune ...` in this process, which has loaded torch already."""
    from egma.__main__ import main

    def run(*words: str) -> Said:
        capsys.readouterr()
        status = main(["finetune", *words])
        return Said(status, capsys.readouterr().err)

    return run
