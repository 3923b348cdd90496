"""A page that really listens, for tests that speak HTTP to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from app.main import launch, prepare_environment
from app.page import build_page
from app.services import Services
from tests.app.conftest import make_study


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@contextmanager
def served(services: Services) -> Iterator[str]:
    """The address of a page around these services, until the block ends."""
    services = replace(services, settings=replace(services.settings, port=free_port()))
    with patch.dict(os.environ):
        prepare_environment(services.settings, services.folder)
        page = build_page(services, services.films.add(make_study(), "Film"))
        try:
            launch(page, services)
            yield services.settings.address
        finally:
            page.close(verbose=False)
