"""Writes a checkpoint's card from its config and its measured figures: no number in it is typed by hand."""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from egma.checkpoints import Checkpoint
from egma.errors import DataError
from egma.evaluation.pictures import draw_panels
from egma.model.presets import TRUNKS

ABLATIONS_NAME, ABLATION_PICTURE = "ablations.json", "ablations.png"

_ABLATION_PANELS = {
    "pointing": "Pointing, fresh phantoms",
    "boxes": "Pointing, boxes",
    "auroc": "Macro AUROC, test films",
}
_GATE = {
    "frontals_accepted": "Test frontals accepted without a warning",
    "laterals_flagged": "Laterals flagged",
    "inverted_flagged": "Test frontals flagged once inverted",
    "not_chest_flagged": "Photographs, CT, MR, ultrasound flagged",
}
_LABELS = {
    "hit": "Strongest patch lies in the finding (pointing game)",
    "lungs": "Guess: the middle of the lung named, or of either lung",
    "centre": "Guess: the film's middle",
    "usual": "Guess: where other films show the same finding",
    "contrast": "Contrast-to-noise ratio of the map",
    "inside": "Mean cosine inside the finding",
    "outside": "Mean cosine outside",
    "gap": "Inside minus outside",
    "right_side": 'True side outscores the other ("left" against "right")',
    "peak_side": "Strongest patch lies on the side named",
}


def write_card(checkpoint: Checkpoint, figures: dict[str, Any], ablations: dict[str, Any] | None = None) -> str:
    """card.md: what the checkpoint is for, what it learned from, what it can do, and where it fails."""
    parts = [
        _head(checkpoint),
        _training(checkpoint.config.training),
        _films(figures),
        _calibration(figures),
        _grounding(figures),
        _ablations(ablations),
        _gate(figures),
        _remarks(figures),
        _limits(checkpoint, figures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def read_ablations(folder: Path) -> dict[str, Any] | None:
    """What `python -m egma.finetune.mini.ablation` left beside the checkpoint; None where it has not run."""
    path = folder / ABLATIONS_NAME
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _ = [arm["pointing"]["value"] for arm in found["arms"]]
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"{ABLATIONS_NAME} is not what the ablation writes; remove it or run the ablation again"
        ) from None
    return found


def read_remarks(checkpoint: Checkpoint) -> list[str]:
    """What an earlier measurement of the same weights had to say about itself."""
    path = checkpoint.folder / "figures.json" if checkpoint.folder is not None else None
    if path is None or not path.is_file():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return []
    same = isinstance(found, dict) and found.get("hash") == checkpoint.hash
    return [str(remark) for remark in found.get("remarks", [])] if same else []


def draw_ablations(ablations: dict[str, Any]) -> bytes:
    """The plot of an ablation: a row an arm, a panel a measure."""
    panels = []
    for measure, title in _ABLATION_PANELS.items():
        rows = [(arm["name"], arm[measure]) for arm in ablations["arms"] if arm.get(measure)]
        if rows:
            panels.append((title, rows, ablations.get("guesses", {}).get(measure)))
    return draw_panels(panels)


def _head(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    return f"""# {checkpoint.name}

**Research use only. Not for diagnosis.** A small model of the EGMA method (arXiv 2403.12416): a frontal chest film and
sentences in one space of {config.embed_dim} dimensions, with a map of where each sentence is found.

| | |
|---|---|
| Checkpoint | `{checkpoint.hash[:16]}` |
| Image tower | {_tower(config.image)} at {config.image.input_px} px, trained |
| Text tower | {config.text.name} (all-MiniLM-L6-v2, package `{_package(config.text.source)}`, Apache-2.0 upstream), frozen; a projection is trained |
| Maps | cosine of patches with a sentence, display range {config.display_range[0]} to {config.display_range[1]} |
| Findings | {", ".join(config.classify)} |
| Licence | the project's own for the weights; each source below keeps its own |

**Intended use**: studying text-to-image grounding, trying the workbench, a start for fine-tuning. **Not intended**: any
decision about a patient, films of children, laterals, CT, other body parts."""


def _tower(image: Any) -> str:
    """Each trunk with the package that its ImageNet weights came from."""
    names = image.name.split("+")
    told = [f"{name} (ImageNet start: package `{TRUNKS[name].package}`)" if name in TRUNKS else name for name in names]
    return " beside ".join(told)


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
- A film's vector is laid out by what those layers answer, each finding along an axis of the shared space, and stays so;
  sentences were trained to point along the axes. So films are told apart by label supervision, words by sentences.
- Seed {training.get("recipe", {}).get("seed", 0)}. On validation: macro AUROC {_number(validation.get("auroc"))}, phantoms pointed at {_number(validation.get("pointing"))}.
- Again: `python -m egma.finetune.mini --data FOLDER --out checkpoints/egma-mini`, then
  `python -m egma evaluate card egma-mini --data FOLDER`."""


def _trunks(training: dict[str, Any]) -> str:
    """How each image trunk came to be, and how well a layer of its own did on validation."""
    found = training.get("trunk_validation_auroc")
    trunks = training.get("recipe", {}).get("trunks", [])
    if not found or len(found) != len(trunks):
        return "The image trunk was taken from an earlier run of the first stage, of an epoch chosen on validation."
    told = [
        f"{trunk['name']} at {trunk['size_px']} px, {trunk['epochs']} epochs, seed {trunk['seed']}: "
        + ("taken from an earlier run of the recipe (`--work`)" if auroc is None else f"{auroc:.3f}")
        for trunk, auroc in zip(trunks, found)
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
| Linear probe on frozen ImageNet features of the same trunks, same run | {_interval(found["probe"])} |
| Difference, paired | {_interval(found["difference"])} |
{_probes(found)}| Negative prompts alone ("no X", turned round) | {_interval(found["absence_prompts"])} |

| Finding | Positives | AUROC |
|---|---|---|
{rows}

| Group | Films | Findings | Macro AUROC |
|---|---|---|---|
{groups}

Groups differ in which findings reach 10 positives: compare them with care. Sentences in wordings that no training used,
told "present" from "absent": {_interval(figures["negation"])} (findings drawn)."""


def _probes(found: dict[str, Any]) -> str:
    """Probes on one trunk each, where there are several."""
    probes = found.get("probes", {})
    if len(probes) < 2:
        return ""
    return "".join(
        f"| Probe on frozen {name} alone; difference, paired | {_interval(each['macro'])}; {_interval(each['difference'])} |\n"
        for name, each in probes.items()
    )


def _calibration(figures: dict[str, Any]) -> str:
    if "calibration_error" not in figures:
        return ""
    return f"""## Whether a probability means what it says

Scale and bias of every finding, its threshold and how far both wander are fitted on validation films and stored in
config.json. Expected calibration error on test films, mean over the findings: {_interval(figures["calibration_error"])}.

![Reliability on test films: the share of films that had a finding against the probability the model gave](reliability.png)"""


def _grounding(figures: dict[str, Any]) -> str:
    parts = ["## Where it points"]
    if "boxes" in figures:
        parts.append(f"On {figures['boxes']['hit']['n']} boxed findings of test films (few: read the interval):")
        parts.append(_pointing_table(figures["boxes"]))
        parts.append(
            "![Boxed findings that were missed by most: the maps alone, films may not be shown; green the box, a cross the"
            " strongest patch](misses-films.png)"
        )
    phantoms = figures["phantoms"]
    parts.append(
        f"On {phantoms['hit']['n']} lesions of {phantoms['count']} fresh phantoms, which are drawn, not patients:"
    )
    parts.append(_pointing_table(phantoms))
    parts.append(
        "![Lesions of phantoms that were missed, the first of each finding: green the lesion, a cross the strongest"
        " patch](misses-phantoms.png)"
    )
    return "\n\n".join(parts)


def _pointing_table(found: dict[str, Any]) -> str:
    rows = [
        f"| {label} | {_interval(found[name])} | {found[name]['n']} |"
        for name, label in _LABELS.items()
        if name in found
    ]
    return "\n".join(["| | Value | n |", "|---|---|---|", *rows])


def _ablations(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = "\n".join(
        f"| {arm['name']} | "
        + " | ".join(_interval(arm[key]) if arm.get(key) else "none" for key in _ABLATION_COLUMNS)
        + " |"
        for arm in found["arms"]
    )
    return f"""## Does gaze help?

Heads and text projection trained anew {found["seeds"]} times for each row, {found["steps"]} steps on this checkpoint's frozen trunk
features; everything but the gaze terms is equal. Figures are means over the seeds, their intervals from drawing lesions
or patients anew; differences are paired with the first row. `python -m egma.finetune.mini.ablation --data FOLDER` makes
them again.

| | Pointing, {found["phantoms"]} fresh phantoms | difference | Inside minus outside | Pointing, boxes | difference | Macro AUROC, test | difference |
|---|---|---|---|---|---|---|---|
{rows}

{_verdict(found)}

![The ablation: each row's figure with its interval; dashed, the guess of a lung's middle](ablations.png)"""


_ABLATION_COLUMNS = ("pointing", "pointing_gain", "gap", "boxes", "boxes_gain", "auroc", "auroc_gain")


def _verdict(found: dict[str, Any]) -> str:
    """What the paired differences of the whole method from no gaze say, in words."""
    whole = next((arm for arm in found["arms"] if arm.get("whole")), None)
    if whole is None:
        return ""
    names = {"pointing_gain": "pointing on phantoms", "boxes_gain": "pointing on boxes", "auroc_gain": "AUROC on films"}
    told = [f"{label} {_effect(whole[key])}" for key, label in names.items() if whole.get(key)]
    return f"Gaze terms against none: {'; '.join(told)}. Gaze is simulated here; recorded gaze may do better or worse."


def _effect(figure: dict[str, Any]) -> str:
    if figure["low"] is None or figure["low"] <= 0 <= figure["high"]:
        return f"shows no difference ({_interval(figure)})"
    return f"is {'better' if figure['value'] > 0 else 'worse'}: {_interval(figure)}"


def _gate(figures: dict[str, Any]) -> str:
    found = figures.get("ood", {})
    rows = "\n".join(
        f"| {label} | {_interval(found[name])} | {found[name]['n']} |" for name, label in _GATE.items() if name in found
    )
    if not rows:
        return ""
    return f"""## What it is warned off

A check of its own (no network) warns where a picture is no frontal chest film. Nothing measured here was learned from;
interval after Wilson.

| | Share | n |
|---|---|---|
{rows}"""


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
