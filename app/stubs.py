"""Keeps the web framework from writing type stubs beside our components.

Defining a component makes Gradio write a `.pyi` file next to its source: into the installation, which may be read-only
or somebody's checkout. Modules that define components call `write_no_stubs()` first.
"""

from __future__ import annotations

from gradio import component_meta


def write_no_stubs() -> None:
    """From here on, component classes are defined without a file being written."""
    component_meta.create_or_modify_pyi = _write_nothing


def _write_nothing(component_class: type, class_name: str, events: list[object]) -> None:
    """Stands in for the framework's writer; the stubs serve editors only."""
