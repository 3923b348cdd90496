"""`evaluate film_search`: image-to-report retrieval on held-out films, and the file that the page's caveat reads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import print_note
from egma.evaluation.outcome import TaskResult, dump_json

if TYPE_CHECKING:
    from egma.evaluation.film_search import EmbeddedFilms, EmbeddedReports, Ranking
    from egma.inference.engine import Engine

NAME = "film_search"
HELP = "how often reports found by a film speak of its findings: P@1/5/10"
_LABELLED_SOURCE = "nih14"
COMMAND = "python -m egma evaluate film_search --data FOLDER"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The task's own options."""
    parser.add_argument("--dry", action="store_true", help="leave the checkpoint's film_search.json as it is")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Choose the ranking on validation films, measure it on test films, and keep both beside the checkpoint."""
    from egma.errors import DataError, SettingsError
    from egma.evaluation.film_search import choose_ranking, embed_films, embed_reports
    from egma.inference.engine import load_engine

    if "," in arguments.checkpoint:
        raise SettingsError("film_search measures one checkpoint at a time; name one with --checkpoint")
    if arguments.data is None:
        raise DataError("film_search needs labelled films: give --data FOLDER with cxr/manifest.csv in it")
    rows = {split: _rows(arguments.data, split) for split in ("val", "test")}
    engine = load_engine(arguments.checkpoint, device=arguments.device)
    reports = embed_reports(engine, _reports())
    print_note(f"embedded {len(reports.owners):,} reports; now {sum(map(len, rows.values()))} films")
    films = {split: embed_films(engine, rows[split], reports) for split in rows}
    film_mean = films["val"].vectors.mean(axis=0)
    ranking, tried = choose_ranking(films["val"], reports, film_mean)
    values = _values(engine, reports, films, ranking, film_mean)
    values["validation"] = {"films": len(rows["val"]), "tried": tried}
    if not arguments.dry:
        _keep(engine.checkpoint.folder, values)
    return TaskResult(values, _lines(values))


def _rows(data: Path, split: str) -> list[Any]:
    from egma.data.manifest import load_manifest
    from egma.errors import DataError

    rows = [row for row in load_manifest(data) if row.split == split and row.source == _LABELLED_SOURCE]
    if not rows:
        raise DataError(f"the manifest names no {_LABELLED_SOURCE} film of the {split} split; nothing can be measured")
    return rows


def _reports() -> list[Any]:
    from egma.data.openi import load_openi

    return load_openi()


def _values(
    engine: Engine,
    reports: EmbeddedReports,
    films: dict[str, EmbeddedFilms],
    ranking: Ranking,
    film_mean: Any,
) -> dict[str, Any]:
    from egma.evaluation.film_search import figures_of, judge, score_reports

    test = films["test"]
    scores = score_reports(test, reports.vectors, ranking, film_mean)
    return {
        "checkpoint": engine.checkpoint.hash,
        "weights_sha256": engine.checkpoint.config.weights_sha256,
        "command": COMMAND,
        "library": {"name": "Open-i", "reports": len(reports.owners)},
        "centred": ranking.centred,
        "patch_weight": ranking.patch_weight,
        "film_mean": [round(float(value), 5) for value in film_mean],
        "test": {
            "films": len(test.vectors),
            "patients": len(set(test.patients.tolist())),
            "by_text": figures_of(judge(test, scores, reports.named)),
            "by_mesh": figures_of(judge(test, scores, reports.indexed)),
        },
    }


def _keep(folder: Path | None, values: dict[str, Any]) -> None:
    from egma.errors import SettingsError
    from egma.index.film_settings import FILE_NAME

    if folder is None:
        return
    try:
        (folder / FILE_NAME).write_text(dump_json(values), encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{FILE_NAME} cannot be written beside the checkpoint ({error.strerror}); use --dry to print it only"
        ) from None


def _lines(values: dict[str, Any]) -> str:
    test, validation = values["test"], values["validation"]
    lines = [
        f"Search by film: {test['films']} NIH test films of {test['patients']} patients against "
        f"{values['library']['reports']:,} Open-i reports; checkpoint {values['checkpoint'][:16]}.",
        "",
        "| Relevance | P@1 | P@5 | P@10 | Chance |",
        "|---|---|---|---|---|",
    ]
    for title, key in (("findings named in the text", "by_text"), ("MeSH headings", "by_mesh")):
        found = test[key]
        for name, figures, chance in (
            ("", "p_at", "chance"),
            (", every finding alike", "by_finding", "chance_by_finding"),
        ):
            cells = [_cell(found[figures][depth]) for depth in ("1", "5", "10")]
            lines.append(f"| {title}{name} | {' | '.join(cells)} | {found[chance]:.3f} |")
    lines += ["", f"Tried on {validation['films']} validation films (P@1, P@5, P@10):", ""]
    for each in validation["tried"]:
        gain = f"; gain {_cell(each['gain'])}" if "gain" in each else ""
        lines.append(f"- {each['by']}: {each['p_at_1']:.3f}, {each['p_at_5']:.3f}, {each['p_at_10']:.3f}{gain}")
    kept = f"kept, weight {values['patch_weight']:g}" if values["patch_weight"] else "not kept: no gain beyond chance"
    return "\n".join([*lines, "", f"Look at patches of the first 100: {kept}."])


def _cell(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
