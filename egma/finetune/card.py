"""The generated card of a fine-tuned checkpoint: what was done to what, and how it measured. No figure is typed."""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

import re
from typing import Any

from egma.wording import three_digits

_ROWS = (
    ("pointing", "Pointing game on fresh phantoms", "pointing_of"),
    ("auroc", "Macro AUROC by prompts, validation films", "auroc_findings"),
    ("gaze_correlation", "Correlation of maps with gaze", "gaze_of"),
    ("gaze_auroc", "AUROC of maps for patches looked at", "gaze_of"),
    ("loss", "Validation loss", ""),
)
_UNITS = {"pointing_of": "lesions", "auroc_findings": "findings", "gaze_of": "sentences"}


def write_card(name: str, config: dict[str, Any], training: dict[str, Any]) -> str:
    """card.md of a fine-tuned checkpoint.

    Args:
        name: of the checkpoint.
        config: the run's config.json: settings and provenance.
        training: base, steps, figures before and after.
    """
    parts = [_head(name, config, training), _data(config), _figures(training), _how(config, training), _limits(config)]
    return "\n\n".join(parts) + "\n"


def _head(name: str, config: dict[str, Any], training: dict[str, Any]) -> str:
    return f"""# {plain(name)}

**Research use only. Not for diagnosis.** Fine-tuned with the preset `{config["preset"]}` from `{plain(training["base"])}`
(`{training["base_hash"][:16]}`) in the EGMA Workbench; nobody has tested it on films of its own.

Licence: that of its base and of the data it was trained on; check both before it is given away."""


def _data(config: dict[str, Any]) -> str:
    data = config["provenance"]["data"]
    gaze = (
        f"{data['train_with_gaze']} training films showed gaze" + (" (**simulated**)" if data["simulated_gaze"] else "")
        if data["train_with_gaze"]
        else "no film showed gaze"
    )
    source = "synthetic phantoms, not patients" if data["source"] == "phantoms" else f"`{plain(str(data['source']))}`"
    return f"""## What it learned from

- Source: {source}; {data["train_films"]} films of {data["train_patients"]} patients to train on, {data["validation_films"]} to validate on.
- {data["train_sentences"]} sentences; {gaze}; {data["labelled"]} films had labels.
- SHA-256 over ids, splits, sentences, labels and gaze: `{data["sha256"][:16]}`."""


def _figures(training: dict[str, Any]) -> str:
    before, after = training["before"], training["after"]
    rows = [_row(label, before.get(key), after.get(key), after.get(count), count) for key, label, count in _ROWS]
    for key, label in (("text_to_image", "Report finds its film"), ("image_to_text", "Film finds its report")):
        for place, rank in enumerate((1, 5, 10)):
            if after.get(key):
                old = (before.get(key) or [None] * 3)[place]
                rows.append(_row(f"{label}, R@{rank}", old, after[key][place], after["retrieved_of"], "films"))
    told = "\n".join(row for row in rows if row)
    return f"""## How it measured

On validation films, which also chose the step that was kept (by {training["best_by"]}): expect less on other films.

| | Before | After step {training["best_step"]} | Of |
|---|---|---|---|
{told}"""


def _row(label: str, before: float | None, after: float | None, count: Any, unit: str) -> str:
    if after is None:
        return ""
    of = f"{count} {_UNITS.get(unit, unit)}" if count else ""
    return f"| {label} | {three_digits(before)} | {three_digits(after)} | {of} |"


def _how(config: dict[str, Any], training: dict[str, Any]) -> str:
    settings = "\n".join(
        f"| {key} | {plain(str(value))} |"
        for key, value in config.items()
        if key not in ("provenance", "data", "images", "reports", "base", "name")
    )
    versions = ", ".join(f"{name} {version}" for name, version in config["provenance"]["versions"].items())
    return f"""## How it was made

{training["steps"]} of {training["planned_steps"]} steps in {training["seconds"] / 60:.1f} minutes on {training["device"]}. {versions};
revision `{config["provenance"]["revision"][:12] or "none"}`. Again: `python -m egma finetune NEW_FOLDER --config config.json` with the run's config.json.

| Setting | Value |
|---|---|
{settings}"""


def _limits(config: dict[str, Any]) -> str:
    phantoms = config["provenance"]["data"]["source"] == "phantoms"
    drawn = "- It has seen drawn films alone: what it says of a patient's film means nothing yet.\n" if phantoms else ""
    return f"""## Limits

{drawn}- Probabilities were fitted on the validation films of this run: on films with another share of findings they are off.
- Pointing is measured on phantoms, whose lesions are drawn; on films, maps are a hint and not an outline.
- The base's own limits hold; read its card."""


def plain(text: str, most: int = 120) -> str:
    """Words fit for Markdown: no code marks, links, tags or new lines."""
    return re.sub(r"[^\w .,:;()+\-/=@#%']", "_", text)[:most]
