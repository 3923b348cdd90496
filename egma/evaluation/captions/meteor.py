"""METEOR 1.5 (Denkowski and Lavie 2014) of reports, by the jar that the package pycocoevalcap carries, where Java runs.

Nothing of the package is imported or copied: it is not a dependency, because beside the METEOR jar (LGPL) it carries a
tokenizer under the GPL, which is not needed here. Who wants METEOR installs it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from shutil import which

import numpy as np
from numpy.typing import NDArray

from egma.errors import DataError
from egma.evaluation.intervals import DRAWS, Figure, draw_places, groups_of

_PACKAGE = "pycocoevalcap"
_JAR = "pycocoevalcap/meteor/meteor-1.5.jar"
_SECONDS = 3600
_MAX_COMBINED = 60_000
"""Pairs combined over all draws: the jar combines about 7,000 a second, so a long list is drawn less often."""
_LEAST_DRAWS = 100


@dataclass(frozen=True)
class Meteor:
    """METEOR of a list of pairs, or why there is none.

    Attributes:
        figure: with its interval; None where METEOR cannot run here.
        reason: one sentence where `figure` is None.
    """

    figure: Figure | None
    reason: str = ""


def measure_meteor(
    references: Sequence[Sequence[str]],
    generated: Sequence[Sequence[str]],
    groups: NDArray[np.generic] | None = None,
) -> Meteor:
    """METEOR as the captioning toolkit asks for it (`-l en -norm`, statistics of all pairs combined)."""
    if which("java") is None:
        return Meteor(None, "METEOR needs Java, and none was found; install a Java 8 or newer runtime")
    jar = find_jar()
    if jar is None:
        return Meteor(None, f"METEOR's jar was not found: pip install {_PACKAGE} brings it")
    asked = [f"SCORE ||| {' '.join(ref)} ||| {_cleaned(' '.join(ours))}" for ref, ours in zip(references, generated)]
    statistics = _ask(jar, asked)
    everything = np.arange(len(asked))
    draws = min(DRAWS, max(_LEAST_DRAWS, _MAX_COMBINED // len(asked)))
    places = [everything, *draw_places(groups_of(len(asked), groups), draws, seed=0)]
    answers = _ask(jar, ["EVAL ||| " + " ||| ".join(statistics[place] for place in drawn) for drawn in places])
    # The jar answers each EVAL with a line a pair, then one for all of them.
    ends = np.cumsum([len(drawn) + 1 for drawn in places]) - 1
    totals = [float(answers[end]) for end in ends]
    low, high = np.percentile(totals[1:], (2.5, 97.5))
    return Meteor(Figure(totals[0], float(low), float(high), len(asked)))


def find_jar() -> Path | None:
    """The jar inside the installed package; its code is not imported."""
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(_JAR)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _cleaned(text: str) -> str:
    return text.replace("|||", "").replace("  ", " ")


def _ask(jar: Path, lines: list[str]) -> list[str]:
    command = [which("java") or "java", "-Xmx2G", "-jar", jar.name, "-", "-", "-stdio", "-l", "en", "-norm"]
    text = "\n".join(lines) + "\n"
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; texts go in on standard input
            command, input=text.encode(), cwd=jar.parent, capture_output=True, timeout=_SECONDS, check=True
        )
    except subprocess.SubprocessError as error:
        raise DataError(f"METEOR's jar failed ({type(error).__name__}); is there memory for Java (2 GB)?") from None
    return done.stdout.decode().splitlines()
