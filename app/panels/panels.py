"""Panels as components: a static template, typed data, and a script that writes the data as text.

A template that printed the data would run it: the framework evaluates what it prints as a JavaScript template string.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import gradio as gr

from app.panels.data import (
    CardData,
    CheckpointsData,
    ComparisonData,
    FilmData,
    FindingsData,
    MessageData,
    NoticesData,
    PatchData,
    RowsData,
    SentencesData,
    TranscriptData,
    VersusData,
)
from app.stubs import write_no_stubs

write_no_stubs()

_HERE = Path(__file__).parent
_ROOT = '<div data-root class="{kind}"></div>'
_MOUNT = """
const show = (() => {{ {dom}
{script}
return render; }})();
show(element, props.value, trigger);
watch('value', () => show(element, props.value, trigger));
"""


_SCHEMAS: dict[Any, dict[str, Any]] = {}
"""By data model: the framework asks for them hundreds of times while a page is built."""


class Panel(gr.HTML):
    """A panel whose markup never contains data. Subclasses name their script."""

    script: ClassVar[str]
    kind: ClassVar[str] = "egma-panel"
    helpers: ClassVar[tuple[str, ...]] = ("dom.js",)
    styles: ClassVar[tuple[str, ...]] = ("panels.css",)

    def __init__(self, value: Any = None, **settings: Any) -> None:
        mount = _MOUNT.format(
            dom="\n".join((_HERE / name).read_text(encoding="utf-8") for name in self.helpers),
            script=(_HERE / self.script).read_text(encoding="utf-8"),
        )
        super().__init__(
            value=value,
            html_template=_ROOT.format(kind=self.kind),
            css_template="\n".join((_HERE / name).read_text(encoding="utf-8") for name in self.styles),
            js_on_load=mount,
            apply_default_css=False,
            padding=False,
            **settings,
        )

    def preprocess(self, payload: Any) -> Any:
        """The data, as the browser holds it."""
        return payload

    def postprocess(self, value: Any) -> Any:
        """The data, for the browser."""
        return value

    def api_info(self) -> dict[str, Any]:
        """The shape of the data."""
        model = self.data_model
        if model is not None and model not in _SCHEMAS:
            _SCHEMAS[model] = model.model_json_schema()
        return dict(_SCHEMAS.get(model, {}))


class FindingsPanel(Panel):
    """Probabilities as bars; sends `show_finding` {finding}."""

    data_model = FindingsData
    script = "findings.js"


class CheckpointsPanel(Panel):
    """The list of checkpoints; sends `show_card` {name}."""

    data_model = CheckpointsData
    script = "checkpoints.js"


class CardPanel(Panel):
    """One checkpoint's hash, licence, figures and pictures."""

    data_model = CardData
    script = "card.js"
    helpers = ("dom.js", "picture.js")


class ComparisonPanel(Panel):
    """Two models' findings in one table."""

    data_model = ComparisonData
    script = "comparison.js"


class FilmPanel(Panel):
    """The title of the film on screen and what is known of it."""

    data_model = FilmData
    script = "film.js"


class MessagePanel(Panel):
    """What is said in answer to words that could not be asked."""

    data_model = MessageData
    script = "message.js"
    kind = "egma-message"


class NoticesPanel(Panel):
    """Warnings about the film on screen."""

    data_model = NoticesData
    script = "notices.js"
    kind = "egma-notice"


class SentencesPanel(Panel):
    """A report's sentences; sends `choose_sentence` {index}."""

    data_model = SentencesData
    script = "sentences.js"


class PatchPanel(Panel):
    """What the clicked patch matches."""

    data_model = PatchData
    script = "patch.js"


class TranscriptPanel(Panel):
    """A recording's dictation, lit as it is spoken; sends `choose_sentence` {index, reader}."""

    data_model = TranscriptData
    script = "transcript.js"


class VersusPanel(Panel):
    """Three maps side by side and the measures of their agreement."""

    data_model = VersusData
    script = "versus.js"


class RowsPanel(Panel):
    """A table of text."""

    data_model = RowsData
    script = "rows.js"
