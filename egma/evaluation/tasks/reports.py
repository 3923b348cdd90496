"""`evaluate reports`: generated reports against references, as the captioning toolkit and the labellers score them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from egma.evaluation.intervals import Figure

NAME = "reports"
HELP = "score generated reports against references: BLEU, ROUGE-L, METEOR, label F1, RadGraph"

DEFINITIONS = {
    "tokens": "Penn Treebank tokens, lower-cased, without the punctuation that pycocoevalcap drops",
    "bleu": "corpus BLEU-n as pycocoevalcap: n-grams and lengths summed over pairs, brevity penalty",
    "rouge_l": "mean F of the longest common subsequence, beta 1.2, as pycocoevalcap",
    "meteor": "METEOR 1.5, English, -norm, statistics combined over pairs, as pycocoevalcap",
    "labels": "F1 of findings that a labeller calls present, hedged ones too; micro over pairs, macro over findings",
    "interval": "percentile bootstrap of pairs, 95 %, 1,000 draws (METEOR 100 or more), seed 0",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The table and its two columns."""
    parser.add_argument("--csv", type=Path, required=True, metavar="FILE", help="a row a report")
    parser.add_argument("--reference-column", required=True, metavar="NAME", help="what the radiologist wrote")
    parser.add_argument("--generated-column", required=True, metavar="NAME", help="what was generated")
    parser.add_argument("--chexbert", type=Path, metavar="FILE", help="chexbert.pth, to label by CheXbert as well")
    parser.set_defaults(checkpoint="")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every score of the table's pairs."""
    from egma.digest import digest_file

    references, generated = load_pairs(arguments.csv, arguments.reference_column, arguments.generated_column)
    values = score_reports(references, generated, arguments.chexbert)
    values["list_sha256"] = digest_file(arguments.csv)
    values["definitions"] = DEFINITIONS
    return TaskResult(values, _as_table(values))


def load_pairs(path: Path, reference_column: str, generated_column: str) -> tuple[list[str], list[str]]:
    """References and generated texts; a generated one may be empty, a reference may not."""
    from egma.errors import DataError
    from egma.evaluation.table import read_rows

    rows = read_rows(path, [reference_column, generated_column])
    if not rows:
        raise DataError(f"{path.name} has a header and no row; give at least one pair of reports")
    for number, row in enumerate(rows, start=1):
        if not row[reference_column]:
            raise DataError(f"{path.name}, report {number}: the reference is empty; leave the row out or fill it in")
    return [row[reference_column] for row in rows], [row[generated_column] for row in rows]


def score_reports(
    references: list[str],
    generated: list[str],
    chexbert: Path | None = None,
    groups: NDArray[np.generic] | None = None,
) -> dict[str, Any]:
    """The task's values without the list's own hash; with groups (a pair's patient), intervals draw those."""
    from egma.evaluation.captions.labels import label_by_rules
    from egma.evaluation.captions.meteor import measure_meteor
    from egma.evaluation.captions.ptb import tokenize_texts
    from egma.evaluation.captions.radgraph import measure_radgraph
    from egma.evaluation.captions.scores import bleu_figures, rouge_figure
    from egma.findings import FINDINGS

    theirs, ours = tokenize_texts(references), tokenize_texts(generated)
    figures: dict[str, Figure | None] = {
        f"bleu_{order}": figure for order, figure in enumerate(bleu_figures(theirs, ours, groups), start=1)
    }
    figures["rouge_l"] = rouge_figure(theirs, ours, groups)
    meteor = measure_meteor(theirs, ours, groups)
    figures["meteor"] = meteor.figure
    figures["radgraph_f1"], radgraph_reason = measure_radgraph(references, generated, groups)
    labels = {"rules": _labels(references, generated, label_by_rules, FINDINGS, groups)}
    chexbert_reason = "CheXbert labels need its weights: --chexbert chexbert.pth"
    if chexbert is not None:
        from egma.evaluation.captions.chexbert import CONDITIONS, FIVE, CheXbert

        labeller = CheXbert(chexbert)
        labels["chexbert"] = _labels(references, generated, labeller, CONDITIONS, groups)
        places = [CONDITIONS.index(name) for name in FIVE]
        labels["chexbert_5"] = _labels(references, generated, lambda texts: labeller(texts)[:, places], FIVE, groups)
        chexbert_reason = ""
    reasons = {"meteor": meteor.reason, "radgraph_f1": radgraph_reason, "chexbert": chexbert_reason}
    return {
        **{name: None if figure is None else figure.value for name, figure in figures.items()},
        "n": len(references),
        "intervals": {name: _plain(figure) for name, figure in figures.items() if figure is not None},
        "labels": labels,
        "reasons": {name: reason for name, reason in reasons.items() if reason},
    }


def _labels(
    references: list[str],
    generated: list[str],
    label: Any,
    findings: tuple[str, ...],
    groups: NDArray[np.generic] | None,
) -> dict[str, Any]:
    from egma.evaluation.captions.labels import score_labels

    scores = score_labels(references, generated, label, findings, groups)
    return {
        "micro_f1": _plain(scores.micro),
        "macro_f1": _plain(scores.macro),
        "findings": {name: {"f1": value, "references": scores.support[name]} for name, value in scores.each.items()},
    }


def _plain(figure: Figure) -> dict[str, float | int | None]:
    from egma.evaluation.outcome import finite

    return {"value": finite(figure.value), "low": finite(figure.low), "high": finite(figure.high), "n": figure.n}


def _as_table(values: dict[str, Any]) -> str:
    rows = ["| Measure | Value | 95 % interval |", "|---|---|---|"]
    figures = values["intervals"] | {
        f"label F1, {name}, {kind.removesuffix('_f1')}": found[kind]
        for name, found in values["labels"].items()
        for kind in ("micro_f1", "macro_f1")
    }
    for name, figure in figures.items():
        interval = "none" if figure["low"] is None else f"{figure['low']:.4f} to {figure['high']:.4f}"
        rows.append(
            f"| {name} | {'none' if figure['value'] is None else format(figure['value'], '.4f')} | {interval} |"
        )
    notes = [f"- {name}: {reason}" for name, reason in values["reasons"].items()]
    return "\n".join([*rows, "", f"{values['n']} pairs of reports.", *notes])
