"""RadGraph F1 of reports, where the package radgraph and its weights are installed; otherwise none, and why."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.intervals import Figure, bootstrap, groups_of


def measure_radgraph(
    references: Sequence[str], generated: Sequence[str], groups: NDArray[np.generic] | None = None
) -> tuple[Figure | None, str]:
    """(F1 at reward level "partial" with its interval, "") or (None, the reason)."""
    if find_spec("radgraph") is None:
        return None, "RadGraph F1 needs the package radgraph and its weights: pip install radgraph"
    try:
        scorer: Any = import_module("radgraph").F1RadGraph(reward_level="partial")
        _, rewards, _, _ = scorer(hyps=list(generated), refs=list(references))
    except Exception as error:  # another's package: whatever fails in it, the other figures stand
        return None, f"the package radgraph is installed but failed ({type(error).__name__}); are its weights on disk?"
    values = np.asarray(rewards, np.float64)
    return bootstrap(lambda places: float(values[places].mean()), groups_of(len(values), groups)), ""
