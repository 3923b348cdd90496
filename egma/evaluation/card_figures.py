"""The measured part of a card: films, calibration, pointing, the view check, each figure with interval and n."""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

from typing import Any

from egma.checkpoints import Checkpoint

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


def figure_parts(figures: dict[str, Any]) -> list[str]:
    """Sections on what was measured; none of what was not."""
    return [_films(figures), _calibration(figures), _grounding(figures)]


def unmeasured_findings(checkpoint: Checkpoint, figures: dict[str, Any]) -> str:
    """Findings that the checkpoint asks for and no film judged."""
    judged = figures.get("auroc", {}).get("findings", {})
    return ", ".join(name for name in checkpoint.config.classify if name not in judged) or "none"


def weak_findings(figures: dict[str, Any]) -> str:
    """Findings whose interval reaches under 0.6."""
    judged = figures.get("auroc", {}).get("findings", {})
    weak = [name for name, figure in judged.items() if figure["low"] is not None and figure["low"] < 0.6]
    return ", ".join(weak) or "none"


def _films(figures: dict[str, Any]) -> str:
    found = figures.get("auroc")
    if not found:
        return ""
    films = figures["films"]
    rows = "\n".join(
        f"| {name} | {figure['positives']} | {interval(figure)} |" for name, figure in found["findings"].items()
    )
    groups = "\n".join(
        f"| {name} | {figure['n']} | {figure['findings']} | {interval(figure)} |"
        for name, figure in figures.get("subgroups", {}).items()
    )
    return f"""## Findings, asked in words

{films["test"]} NIH films of {films["patients"]} patients, test split. AUROC with bootstrap 95 % interval (patients drawn 1,000 times),
macro over the {len(found["findings"])} findings with at least 10 positives. Scores are prompt pairs ("there is" / "there is no"), no classifier head.

| | AUROC |
|---|---|
| {figures["checkpoint"]}, prompts | **{interval(found["macro"])}** |
| Linear probe on frozen ImageNet features of the same trunks, same run | {interval(found["probe"])} |
| Difference, paired | {interval(found["difference"])} |
{_probes(found)}| Negative prompts alone ("no X", turned round) | {interval(found["absence_prompts"])} |

| Finding | Positives | AUROC |
|---|---|---|
{rows}

| Group | Films | Findings | Macro AUROC |
|---|---|---|---|
{groups}

Groups differ in which findings reach 10 positives: compare them with care. Sentences in wordings that no training used,
told "present" from "absent": {interval(figures["negation"])} (findings drawn)."""


def _probes(found: dict[str, Any]) -> str:
    """Probes on one trunk each, where there are several."""
    probes = found.get("probes", {})
    if len(probes) < 2:
        return ""
    return "".join(
        f"| Probe on frozen {name} alone; difference, paired | {interval(each['macro'])}; {interval(each['difference'])} |\n"
        for name, each in probes.items()
    )


def _calibration(figures: dict[str, Any]) -> str:
    if "calibration_error" not in figures:
        return ""
    return f"""## Whether a probability means what it says

Scale and bias of every finding, its threshold and how far both wander are fitted on validation films and stored in
config.json. Expected calibration error on test films, mean over the findings: {interval(figures["calibration_error"])}.

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
    phantoms = figures.get("phantoms")
    if phantoms is None:
        return "\n\n".join(parts) if len(parts) > 1 else ""
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
        f"| {label} | {interval(found[name])} | {found[name]['n']} |"
        for name, label in _LABELS.items()
        if name in found
    ]
    return "\n".join(["| | Value | n |", "|---|---|---|", *rows])


def gate_part(figures: dict[str, Any]) -> str:
    """What is warned off."""
    found = figures.get("ood", {})
    rows = "\n".join(
        f"| {label} | {interval(found[name])} | {found[name]['n']} |" for name, label in _GATE.items() if name in found
    )
    if not rows:
        return ""
    return f"""## What it is warned off

A check of its own (no network) warns where a picture is no frontal chest film. Nothing measured here was learned from;
interval after Wilson.

| | Share | n |
|---|---|---|
{rows}"""


def remarks_part(figures: dict[str, Any]) -> str:
    """What whoever measured wants a reader to know of the measurement itself."""
    remarks = figures.get("remarks", [])
    return "## About this measurement\n\n" + "\n".join(f"- {remark}" for remark in remarks) if remarks else ""


def interval(figure: dict[str, Any]) -> str:
    """0.703 [0.663, 0.741]; without an interval, the value alone."""
    if figure["value"] is None:
        return "none"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
