"""The dry run behind "Estimate time": a process that cannot take the page's memory with it, and what it found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from app.tabs.train_screen import write_seconds
from egma.errors import JobError
from egma.finetune.settings import FinetuneSettings, settings_values
from egma.jobs import egma_argv
from egma.jobs.tether import STARTER_VARIABLE

ESTIMATE_S = 240
_ROOT = Path(__file__).resolve().parents[2]


def estimate_settings(settings: FinetuneSettings) -> dict[str, Any]:
    """What `python -m egma finetune --estimate` says of these settings.

    Raises:
        JobError: it failed or took too long, in one sentence.
    """
    folder = Path(tempfile.mkdtemp(prefix="egma-estimate-"))
    try:
        path = folder / "settings.json"
        path.write_text(json.dumps(settings_values(settings)), encoding="utf-8")
        words = ("finetune", str(folder / "run"), "--config", str(path), "--estimate", "--json")
        done = subprocess.run(  # noqa: S603 - a list, no shell
            egma_argv(*words),
            capture_output=True,
            text=True,
            timeout=ESTIMATE_S,
            check=False,
            cwd=_ROOT,
            env={**os.environ, STARTER_VARIABLE: str(os.getpid())},
        )
    except subprocess.TimeoutExpired:
        raise JobError(f"the dry run took more than {ESTIMATE_S} s; try a smaller batch or fewer films") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise JobError(f"the dry run failed: {last[0].removeprefix('egma: ')[:300]}")
    return json.loads(done.stdout)


def describe_estimate(found: dict[str, Any]) -> str:
    """The estimate as one sentence."""
    return (
        f"About {write_seconds(found['total_s'])} on {found['device']}: {write_seconds(found['prepare_s'])} to prepare "
        f"{found['films']:,} films, {found['steps']:,} steps of {write_seconds(found['step_s'])}, validations of "
        f"{write_seconds(found['validate_s'])}; about {found['memory_mb'] / 1000:.1f} GB of memory."
    )
