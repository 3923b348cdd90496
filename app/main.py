"""Start, serve, stop: the page is up first, the model loads behind it, and nothing is left when it ends."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from app.private import PrivateFolder, build_private_folder
from app.settings import Settings, load_settings
from egma.errors import EgmaError, SettingsError

if TYPE_CHECKING:
    import gradio as gr

    from app.services import Services

REPOSITORY = Path(__file__).resolve().parents[1]
MAX_UPLOAD = "100mb"
"""A 36-megapixel radiograph of 16 bits, uncompressed, has 72 MB."""
QUEUE_LENGTH = 64
_OPENING_VARIABLES = (
    "GRADIO_SHARE",
    "GRADIO_ALLOWED_PATHS",
    "GRADIO_VIBE_MODE",
    "GRADIO_MCP_SERVER",
    "GRADIO_WATCH_DIRS",
    "SYSTEM",  # on a Space it starts a second server that reloads code
)
"""Settings of the framework that would open the page or the disk to others."""
_BLOCKED = (".git", "checkpoints", "data", "egma", "runs", "tests")
_LOCAL_NAMES = "127.0.0.1,localhost,::1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the page until it is stopped. Returns the exit status: 0, or 2 for the caller's mistake."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopped = threading.Event()
    _stop_on_signals(stopped)
    try:
        settings = load_settings(arguments)
        check_port(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    folder = build_private_folder()
    try:
        prepare_environment(settings, folder)
        return _serve(settings, folder, stopped)
    except EgmaError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        folder.remove()


def check_port(settings: Settings) -> None:
    """Refuse an address that cannot be listened on, before anything heavy is loaded.

    Raises:
        SettingsError: the port is taken or not allowed, or the host is not this machine's.
    """
    host, port = settings.host.strip("[]"), settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except socket.gaierror:
        raise SettingsError(f"The host {host!r} is not known here; use 127.0.0.1 for this machine alone.") from None
    except OSError as problem:
        raise SettingsError(_port_problem(problem, host, port)) from None


def _port_problem(problem: OSError, host: str, port: int) -> str:
    if problem.errno == errno.EADDRINUSE:
        other = port % 65535 + 1
        return f"Port {port} on {host} is taken by another program; stop it, or choose another with --port {other}."
    if problem.errno == errno.EACCES:
        return f"Port {port} may not be used by this user; choose one from 1024 to 65535 with --port."
    return f"This machine cannot listen on {host}, port {port} ({problem.strerror}); use --host 127.0.0.1."


def prepare_environment(settings: Settings, folder: PrivateFolder) -> None:
    """Set what libraries read from the environment: before the web framework or a model is imported."""
    for name in _OPENING_VARIABLES:
        os.environ.pop(name, None)
    os.environ["GRADIO_TEMP_DIR"] = str(folder.uploads)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # after every event the framework summarises the last 10,000 for a dashboard that is closed here
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
    # the framework asks its own address at start; a proxy set for this machine must not answer for it
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), _LOCAL_NAMES]))
    if settings.data is not None:
        os.environ["EGMA_DATA"] = str(settings.data)
    if settings.on_space:
        sys.dont_write_bytecode = True
        for name in ("HF_HOME", "TORCH_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            os.environ[name] = str(folder.home)


def _serve(settings: Settings, folder: PrivateFolder, stopped: threading.Event) -> int:
    from app.assembly import ask_once, build_services, first_film

    services = build_services(settings, folder)
    with ThreadPoolExecutor(1) as beside:  # the film is read while the web framework is imported
        reading = beside.submit(first_film, services)
        from app.page import build_page

        first = reading.result()
    services.model.warm_up = lambda engine: ask_once(engine, first.study)
    page = build_page(services, first)
    try:
        if not stopped.is_set():
            launch(page, services)
            _announce(services)
            services.model.start()
            folder.keep_swept(services.films.trim)
        stopped.wait()
    finally:
        still_loading = services.models.abandon()
        page.close(verbose=False)
    if still_loading:  # a thread inside torch's import does not survive the interpreter's orderly end
        folder.remove()
        sys.stdout.flush()
        os._exit(0)
    return 0


def launch(page: gr.Blocks, services: Services) -> None:
    """Open the page for requests, and return."""
    page.queue(max_size=QUEUE_LENGTH, default_concurrency_limit=2)
    try:
        page.launch(**launch_options(services))
    except OSError as problem:
        if "empty port" not in str(problem):
            raise
        port = services.settings.port
        raise SettingsError(f"Port {port} was taken by another program just now; choose another with --port.") from None


def launch_options(services: Services) -> dict[str, Any]:
    """Everything the framework is told at launch. Tests hold these constant."""
    from starlette.middleware import Middleware

    from app.health import build_health_route
    from app.security import ClosedPaths, NamelessUploads, SecurityHeaders
    from app.theme import CSS_PATH, build_theme

    settings = services.settings
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "prevent_thread_lock": True,
        "quiet": True,
        "inbrowser": False,
        "share": False,
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "strict_cors": True,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "footer_links": [],
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [],
        "blocked_paths": blocked_paths(services),
        "theme": build_theme(),
        "css_paths": [CSS_PATH],
        "app_kwargs": {
            "middleware": [
                Middleware(SecurityHeaders, on_space=settings.on_space),
                Middleware(ClosedPaths),
                Middleware(NamelessUploads, folder=services.folder.uploads),
            ],
            "routes": [build_health_route(services.model)],
        },
    }


def blocked_paths(services: Services) -> list[str]:
    """Folders that no request reaches, whatever else is allowed."""
    folders = [REPOSITORY / name for name in _BLOCKED]
    if services.settings.data is not None:
        folders.append(services.settings.data.resolve())
    # a block list wins over everything, so a folder that holds this run's own files must not be on it
    return [str(folder) for folder in folders if not services.folder.root.is_relative_to(folder)]


def _announce(services: Services) -> None:
    settings, entry = services.settings, services.models.entry()
    print(
        f"EGMA Workbench listens on {settings.address} with checkpoint {entry.name} {entry.hash[:8]}. Ctrl-C stops it.",
        flush=True,
    )
    if settings.is_open_to_others and not settings.on_space:
        print(
            "Warning: every machine on this network can open the page, and it asks for no password; "
            "use --host 127.0.0.1 to keep it to this one.",
            file=sys.stderr,
            flush=True,
        )
    if settings.open_browser and _has_desktop():
        threading.Thread(target=webbrowser.open, args=(settings.address,), daemon=True).start()


def _has_desktop() -> bool:
    """Whether there is a screen to open a browser on: without one, a text browser would take the terminal over."""
    unix_desktop = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform in ("win32", "darwin") or bool(unix_desktop)


def _stop_on_signals(stopped: threading.Event) -> None:
    """Ctrl-C and SIGTERM end the page; while it is still starting they end it at once, without a trace."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
        if stopped.is_set():
            return
        stopped.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last: the terminal was closed; not on Windows
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
