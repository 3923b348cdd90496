"""What the Reports tab shows of a draft: sentences with their sources, what to mind, and where reports disagree."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from app.panels.report_data import DraftData, DraftSentenceData, DraftSourceData
from app.tabs.reports_screen import finding_chips
from app.views.findings import friendly_name

if TYPE_CHECKING:
    from egma.index.draft import Conflict, Draft, DraftSentence

DRAFT_CAVEAT = (
    "Draft put together from sentences of other patients' reports, found by film similarity; not a finding of this "
    "film. Research use only. Not for diagnosis."
)


def draft_screen(draft: Draft, current: int = -1, stamp: str = "") -> DraftData:
    """A draft with its sources, notes and contradictions."""
    reports = f"{len(draft.reports)} reports" if len(draft.reports) != 1 else "one report"
    more = f"; {draft.left_out} more are said by one report alone and left out" if draft.left_out else ""
    return DraftData(
        stamp=stamp or secrets.token_hex(8),
        sentences=[_draft_sentence(each) for each in draft.sentences],
        conflicts=[conflict_words(each) for each in draft.conflicts],
        summary=f"{len(draft.sentences)} sentences of the {reports} nearest to this film, word for word{more}.",
        caveat=DRAFT_CAVEAT,
        current=current,
        message="" if draft.sentences else "The nearest reports agree on no sentence, so there is nothing to draft.",
    )


def conflict_words(conflict: Conflict) -> str:
    """What two groups of sentences disagree on."""
    places = ", ".join(str(place + 1) for place in sorted(conflict.places))
    name = friendly_name(conflict.finding)
    about = "present in some, absent in others" if conflict.about == "presence" else "on different sides"
    return f"{name}: {about} (sentences {places})."


def _draft_sentence(each: DraftSentence) -> DraftSentenceData:
    notes = []
    if each.contradicts:
        numbers = ", ".join(str(place + 1) for place in each.contradicts)
        notes.append(
            f"Contradicts sentence {numbers}." if len(each.contradicts) == 1 else f"Contradicts sentences {numbers}."
        )
    if each.of_change:
        notes.append("Speaks of an earlier film of that patient.")
    if each.marked:
        notes.append("Words were taken out when the report was de-identified.")
    return DraftSentenceData(
        words=each.words,
        sources=[DraftSourceData(id=source.report, words=source.words) for source in each.sources],
        findings=finding_chips(each.present),
        notes=notes,
        contradicts=list(each.contradicts),
    )
