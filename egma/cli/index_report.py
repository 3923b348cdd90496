"""What `egma index` prints of builds, searches and libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from egma.cli.options import print_note

if TYPE_CHECKING:
    from egma.index import Hit, IndexStats, ReportIndex
    from egma.index.build import BuildResult

CAVEAT = "Research use only. Findings beside a report are read from its words by rules, not by a radiologist."
_SHOWN_CHARS = 240


def build_json(result: BuildResult, index: ReportIndex) -> dict[str, Any]:
    """What a build did, for `--json` and a job's result."""
    from dataclasses import asdict

    return {**asdict(result), "complete": result.is_complete, "library": str(index.folder), "records": len(index)}


def build_lines(result: BuildResult, found: dict[str, Any]) -> list[str]:
    """What a build did, for people."""
    lines = [
        f"{result.added:,} reports added, {result.unchanged:,} were there already, {result.duplicates:,} duplicates "
        f"and {result.broken:,} broken left out, in {result.seconds:.1f} s; {found['records']:,} in the library"
    ]
    if result.broken_file:
        lines.append(f"what was left out and why: {result.broken_file} in the library's folder")
    if not result.is_complete:
        lines.append(f"stopped at {result.done:,} of {result.total:,}: run the same command again to go on")
    return lines


def stats_lines(stats: IndexStats) -> list[str]:
    """A library in figures, for people."""
    model = f"{stats.model} ({stats.model_hash[:8]})" if stats.model_hash else "no checkpoint named"
    lines = [
        f"{stats.records:,} records, {stats.sentences:,} distinct sentences, {stats.store_bytes / 2**20:.1f} MiB",
        f"vectors of {stats.width or 0} numbers by {model}; {stats.policy}",
    ]
    for name, space in stats.spaces.items():
        recall = f", recall@10 {space.recall:.3f} reading {space.nprobe} of {space.nlist} lists" if space.nlist else ""
        lines.append(
            f"{name}: {space.reason}{recall}; {space.waiting:,} wait to be indexed, {space.tombstones:,} tombstones"
        )
    return [*lines, *(f"source {name or 'unnamed'}: {count:,}" for name, count in stats.sources.items())]


def print_hits(hits: list[Hit]) -> None:
    """Hits for people: place, id, score, sentence; the caveat last."""
    for place, hit in enumerate(hits, start=1):
        cosine = f", cosine {hit.cosine:.3f}" if hit.cosine is not None else ""
        stance = f", {hit.stance}" if hit.stance else ""
        print(f"{place:3d}. {hit.id}  score {hit.score:.3f}{cosine}{stance}")
        print(f"     {(hit.sentence or hit.text.replace(chr(10), ' '))[:_SHOWN_CHARS]}")
    if not hits:
        print("no report was found")
    print_note(CAVEAT)
