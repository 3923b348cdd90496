"""Writes a checkpoint's card from its config and its measured figures: no number in it is typed by hand."""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

from typing import Any

from egma.checkpoints import Checkpoint

_LABELS = {
    "hit": "Strongest patch lies in the finding (pointing game)",
    "centre": "Guess: the film's middle",
    "usual": "Guess: where other films show the same finding",
    "contrast": "Contrast-to-noise ratio of the map",
    "gap": "Mean cosine inside minus outside",
    "right_side": 'True side outscores the other ("left" against "right")',
    "peak_side": "Strongest patch lies on the side named",
}


def write_card(checkpoint: Checkpoint, figures: dict[str, Any]) -> str:
    """card.md: what the checkpoint is for, what it learned from, what it can do, and where it fails."""
    parts = [
        _head(checkpoint),
        _training(checkpoint.config.training),
        _films(figures),
        _grounding(figures),
        _remarks(figures),
        _limits(checkpoint, figures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    return f"""# {checkpoint.name}

**Research use only. Not for diagnosis.** A small model of the EGMA method (arXiv 2403.12416): a frontal chest film and
sentences in one space of {config.embed_dim} dimensions, with a map of where each sentence is found.

| | |
|---|---|
| Checkpoint | `{checkpoint.hash[:16]}` |
| Image tower | {config.image.name} at {config.image.input_px} px, ImageNet start (package `{_package(config.image.init)}`, Apache-2.0), trained |
| Text tower | {config.text.name} (all-MiniLM-L6-v2, package `{_package(config.text.source)}`, Apache-2.0 upstream), frozen; a projection is trained |
| Maps | cosine of patches with a sentence, display range {config.display_range[0]} to {config.display_range[1]} |
| Findings | {", ".join(config.classify)} |

**Intended use**: studying text-to-image grounding, trying the workbench, a start for fine-tuning. **Not intended**: any
decision about a patient, films of children, laterals, CT, other body parts."""


def _package(source: Any) -> str:
    return str(source.package) if source is not None else "none"


def _training(training: dict[str, Any]) -> str:
    films = training.get("films", {})
    excluded = films.get("excluded", {})
    left_out = ", ".join(f"{count} ({licence})" for licence, count in sorted(excluded.items())) or "none"
    validation = training.get("validation", {})
    return f"""## What it learned from

- {films.get("train", 0)} frontal films of the training split: NIH ChestX-ray14 (no restriction; attribution: NIH Clinical
  Center), the COVID-19 image repository of Hannover Medical School (CC BY 3.0) and those of the COVID-19 image collection
  whose own licence allows it. Their labels are text-mined or a diagnosis, and noisy.
- Left out for their licence (non-commercial or unstated): {left_out} films.
- {films.get("validation", 0)} validation films chose stopping points, patch share, calibration and display range. No test film chose anything.
- Sentences of {training.get("reports", 0)} Open-i reports (Indiana University, CC BY-NC-ND 4.0) as the package torchxrayvision carries
  them, labelled by rules for negation; no text of them is in this checkpoint, only weights of a projection that were
  fitted with them. Beside them, composed phrases for, against and on a side of every finding.
- Synthetic phantoms with known lesions. **Gaze is simulated** from their masks (fixations with one-degree spread and a
  bias to the centre); nobody's eyes were recorded. On real films, weak anatomical priors say where "left", "right" and
  zones may lie.
- {_trunks(training)}
- Seed {training.get("recipe", {}).get("seed", 0)}. On validation: macro AUROC {_number(validation.get("auroc"))}, phantoms pointed at {_number(validation.get("pointing"))}.
- Again: `python -m egma.finetune.mini --data FOLDER --out checkpoints/egma-mini`, then
  `python -m egma.evaluation.mini --data FOLDER`."""


def _trunks(training: dict[str, Any]) -> str:
    """How each image trunk came to be, and how well a layer of its own did on validation."""
    found = training.get("trunk_validation_auroc")
    trunks = training.get("recipe", {}).get("trunks", [])
    if not found or len(found) != len(trunks):
        return "The image trunk was taken from an earlier run of the first stage, of an epoch chosen on validation."
    told = [
        f"{trunk['name']} at {trunk['size_px']} px, {trunk['epochs']} epochs, seed {trunk['seed']}: "
        + ("taken from an earlier run of the recipe (`--work`)" if auroc is None else f"{auroc:.3f}")
        for trunk, auroc in zip(trunks, found.values())
    ]
    return "Image trunks, each with the validation AUROC of a layer of its own: " + "; ".join(told) + "."


def _films(figures: dict[str, Any]) -> str:
    found = figures.get("auroc")
    if not found:
        return ""
    films = figures["films"]
    rows = "\n".join(
        f"| {name} | {figure['positives']} | {_interval(figure)} |" for name, figure in found["findings"].items()
    )
    groups = "\n".join(
        f"| {name} | {figure['n']} | {figure['findings']} | {_interval(figure)} |"
        for name, figure in figures.get("subgroups", {}).items()
    )
    return f"""## Findings, asked in words

{films["test"]} NIH films of {films["patients"]} patients, test split. AUROC with bootstrap 95 % interval (patients drawn 1,000 times),
macro over the {len(found["findings"])} findings with at least 10 positives. Scores are prompt pairs ("there is" / "there is no"), no classifier head.

| | AUROC |
|---|---|
| {figures["checkpoint"]}, prompts | **{_interval(found["macro"])}** |
| Linear probe on frozen ImageNet features of the same trunk, same run | {_interval(found["probe"])} |
| Difference, paired | {_interval(found["difference"])} |
| Negative prompts alone ("no X", turned round) | {_interval(found["absence_prompts"])} |

| Finding | Positives | AUROC |
|---|---|---|
{rows}

| Group | Films | Findings | Macro AUROC |
|---|---|---|---|
{groups}

Groups differ in which findings reach 10 positives: compare them with care. Mean expected calibration error over all
findings: {_number(figures["calibration_error"])}. Sentences in wordings that no training used, told "present" from "absent":
{_interval(figures["negation"])} (findings drawn)."""


def _grounding(figures: dict[str, Any]) -> str:
    parts = ["## Where it points"]
    if "boxes" in figures:
        parts.append(f"On {figures['boxes']['hit']['n']} boxed findings of test films (few: read the interval):")
        parts.append(_pointing_table(figures["boxes"]))
    phantoms = figures["phantoms"]
    parts.append(
        f"On {phantoms['hit']['n']} lesions of {phantoms['count']} fresh phantoms, which are drawn, not patients:"
    )
    parts.append(_pointing_table(phantoms))
    return "\n\n".join(parts)


def _pointing_table(found: dict[str, Any]) -> str:
    rows = [
        f"| {label} | {_interval(found[name])} | {found[name]['n']} |"
        for name, label in _LABELS.items()
        if name in found
    ]
    return "\n".join(["| | Value | n |", "|---|---|---|", *rows])


def _remarks(figures: dict[str, Any]) -> str:
    """What whoever measured wants a reader to know of the measurement itself."""
    remarks = figures.get("remarks", [])
    return "## About this measurement\n\n" + "\n".join(f"- {remark}" for remark in remarks) if remarks else ""


def _limits(checkpoint: Checkpoint, figures: dict[str, Any]) -> str:
    judged = figures.get("auroc", {}).get("findings", {})
    unmeasured = [name for name in checkpoint.config.classify if name not in judged]
    weak = [name for name, figure in judged.items() if figure["low"] is not None and figure["low"] < 0.6]
    return f"""## Where it fails

- Not measured on films (fewer than 10 positives): {", ".join(unmeasured) or "none"}.
- Lower end of the interval under 0.6: {", ".join(weak) or "none"}.
- About a thousand films from two hospitals' archives: another scanner, age group or country is another matter.
- Maps were taught on phantoms; on films they are a hint of what the score rests on, not an outline. A strong patch
  may be a tube, a marker or a border.
- Infiltration, consolidation and pneumonia overlap in the labels, hence in the answers.
- It has never seen a lateral, and says something about any picture: heed the warning about the view."""


def _interval(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "none"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
