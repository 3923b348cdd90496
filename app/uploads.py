"""File components that hand a path on and leave nothing else behind."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from app.stubs import write_no_stubs

write_no_stubs()


class FilmButton(gr.UploadButton):
    """A button that uploads one film and gives its path.

    The framework's own reading of the payload leaves an empty temporary file behind for every upload.
    """

    is_template = True

    def preprocess(self, payload: Any) -> str | None:
        """The path of the upload, which the framework has checked to lie in its upload folder."""
        return payload.path if isinstance(payload, FileData) else None


class FilmFile(gr.File):
    """The film argument of a public endpoint."""

    is_template = True

    def preprocess(self, payload: Any) -> str | None:
        """The path of the upload, which the framework has checked to lie in its upload folder."""
        return payload.path if isinstance(payload, FileData) else None


class FilesButton(gr.UploadButton):
    """A button that uploads several files and gives their paths."""

    is_template = True

    def preprocess(self, payload: Any) -> list[str]:
        """The paths of the uploads, which the framework has checked to lie in its upload folder."""
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        return [each.path for each in files if isinstance(each, FileData)]
