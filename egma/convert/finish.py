"""What every import ends with: a display range measured on films, a card that says what this is, the folder itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from egma.checkpoints import Checkpoint, save_checkpoint
from egma.config import ModelConfig
from egma.display import Display, fit_display
from egma.errors import CheckpointError
from egma.findings import FINDINGS
from egma.types import Study

if TYPE_CHECKING:
    from egma.model.egma import EgmaModel

_PHANTOMS = 16
NOT_MEASURED = "- no figure of accuracy was measured here; the authors' own are in their publication"
"""A line of the card that goes once something was measured."""


@dataclass(frozen=True)
class Provenance:
    """Where an imported model comes from, for its card.

    Attributes:
        title: what the card calls it.
        source: file or model name as given, without folders.
        sha256: of the published file, or "" where there are several.
        licence: what is known of its licence.
        remarks: sentences a user must know.
        unused: tensors of the file that no embedding passes through.
    """

    title: str
    source: str
    sha256: str
    licence: str
    remarks: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def save_import(
    model: EgmaModel,
    config: ModelConfig,
    out: Path,
    provenance: Provenance,
    *,
    tower_files: Path | None = None,
    films: Sequence[Study] = (),
) -> Checkpoint:
    """Measure the display range, write the card, and save the checkpoint as a whole or not at all.

    Args:
        model: with every weight in its place.
        config: the model's, its display range not yet measured.
        out: the checkpoint's folder.
        provenance: for the card.
        tower_files: where the files lie that go into the checkpoint beside its weights.
        films: what the display range is measured on; synthetic phantoms where there are none.
    """
    measured_on = f"{len(films)} films of the user's" if films else f"{_PHANTOMS} synthetic phantoms"
    display = measure_display(model, config, films or _build_phantoms())
    fitted = replace(
        config,
        display_range=display.display_range,
        drawn_from=display.drawn_from,
        training={"imported_from": provenance.source, "sha256": provenance.sha256, "display_range_on": measured_on},
    )
    card = write_card(fitted, provenance, measured_on)
    return save_checkpoint(model, fitted, out, card, tower_files=tower_files)


def measure_display(model: EgmaModel, config: ModelConfig, films: Sequence[Study]) -> Display:
    """How its maps are coloured: the rule of `egma.display` on cosines of films' patches with the findings' prompts."""
    from egma.inference.engine import Engine

    engine = Engine(Checkpoint("import", None, config), model)
    phrases = [engine.prompts(finding).positive[0] for finding in FINDINGS if finding in engine.findings]
    try:
        cosines = [
            found.grid[engine.geometry(film).seen_patches(found.grid.shape)]
            for film in films
            for found in engine.ground(film, phrases)
        ]
    except (RuntimeError, TypeError, ValueError, IndexError) as error:  # a config that builds and does not run
        raise CheckpointError(f"the towers cannot be run as their config.json asks: {str(error)[:120]!r}") from error
    return fit_display(np.concatenate(cosines))


def write_card(config: ModelConfig, provenance: Provenance, measured_on: str) -> str:
    """The card of an imported model, Markdown: facts of the import, and that nothing here was measured for accuracy."""
    low, high = config.display_range
    lines = [
        f"# {provenance.title}",
        "",
        "**Research use only. Not a medical device, not for diagnosis.**",
        "",
        f"Imported from `{provenance.source}`" + (f" (SHA-256 `{provenance.sha256}`)." if provenance.sha256 else "."),
        f"Licence: {provenance.licence}",
        "",
        f"- input {config.image.input_px} px, {config.image.mode}; image tower {config.image.kind} "
        f"{config.image.name}; text tower {config.text.kind} {config.text.name}, {config.text.max_tokens} tokens",
        f"- maps run over cosine {low:.3f} to {high:.3f}, measured on {measured_on}",
        "- probabilities are not calibrated for this model: they order films, their size means nothing",
        NOT_MEASURED,
    ]
    lines += [f"- {remark}" for remark in provenance.remarks]
    if provenance.unused:
        names = sorted({name.rsplit(".", 2)[0] for name in provenance.unused})
        lines.append(
            f"- {len(provenance.unused)} tensors that no embedding passes through were left out: "
            + ", ".join(f"`{name}`" for name in names[:12])
        )
    return "\n".join(lines) + "\n"


def _build_phantoms() -> list[Study]:
    from egma.testing.phantoms import build_phantoms

    return [phantom.study for phantom in build_phantoms(_PHANTOMS, seed=0)]
