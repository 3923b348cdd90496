"""A checkpoint's figures as a reader meets them: plain names, an interval, and what it stands on."""

from __future__ import annotations

from egma.catalogue import CheckpointEntry, MeasuredFigure

MACRO = "auroc.macro"
_KNOWN = {
    MACRO: "AUROC, mean over findings",
    "auroc.probe": "AUROC of a linear probe, same run",
    "auroc.difference": "Difference of the two, paired",
    "auroc.absence_prompts": "AUROC by negative prompts alone",
    "negation": "Unseen wordings, present from absent",
    "boxes.hit": "Strongest patch lies in the box",
    "boxes.centre": "The same by guessing the film's middle",
    "phantoms.hit": "Strongest patch lies in the lesion, phantoms",
    "phantoms.usual": "The same by guessing the usual place",
}
_GROUPS = {
    "auroc": "AUROC",
    "findings": "",
    "boxes": "Boxes",
    "phantoms": "Phantoms",
    "subgroups": "AUROC among",
    "ood": "View check",
    "pr_auc": "PR-AUC",
    "evaluations": "",
}


def figure_name(name: str) -> str:
    """What a figure is called: "auroc.findings.Mass" -> "AUROC, Mass"."""
    if name in _KNOWN:
        return _KNOWN[name]
    words = [_GROUPS.get(part, part.replace("_", " ")) for part in name.split(".")]
    spoken = ", ".join(word for word in words if word)
    return spoken[:1].upper() + spoken[1:]


def figure_text(figure: MeasuredFigure) -> str:
    """ "0.703 [0.663, 0.741]"; without an interval, the value alone."""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def headline(entry: CheckpointEntry) -> str:
    """The one figure a list has room for, else how many there are, or ""."""
    figure = entry.figure(MACRO)
    if figure is not None:
        return f"AUROC {figure_text(figure)}"
    return f"{len(entry.figures)} figures, in its card" if entry.figures else ""


def sorted_figures(entry: CheckpointEntry) -> list[MeasuredFigure]:
    """Those with a name of their own first, in that order; the others as the file has them."""
    order = {name: place for place, name in enumerate(_KNOWN)}
    return sorted(entry.figures, key=lambda figure: order.get(figure.name, len(order)))
