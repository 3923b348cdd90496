"""What stands between a browser and the page: response headers, closed doors, and uploads without their names."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLOSED_PATHS = ("/gradio_api/deep_link", "/gradio_api/openapi.json", "/monitoring", "/gradio_api/monitoring")
"""Doors the framework opens by default: the first hands out everything on a reader's screen."""

_POLICY = {
    "default-src": "'self'",
    # the framework's own loader is inline, and its HTML component compiles its templates
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
_SPACE_FRAMES = "'self' https://huggingface.co https://*.hf.space"
_HEADER_LIMIT = 16_384
MAX_WAITING_BYTES = 2 * 1024**3
"""Films are deleted once read, so this much is only ever there when somebody uploads without asking."""
_FULL = "There is no room for more uploads now. Try again later."


def content_policy(on_space: bool) -> str:
    """The Content-Security-Policy: nothing from outside, nothing sent outside; framed only where a Space must be."""
    frames = _SPACE_FRAMES if on_space else "'self'"
    return "; ".join(f"{name} {value}" for name, value in {**_POLICY, "frame-ancestors": frames}.items())


class SecurityHeaders:
    """Middleware that adds the policy and its companions to every answer."""

    def __init__(self, app: ASGIApp, on_space: bool = False) -> None:
        self.app = app
        self.fixed = {
            "content-security-policy": content_policy(on_space),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "permissions-policy": "camera=(), microphone=(), geolocation=()",
        }
        if not on_space:
            self.fixed["x-frame-options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and sign the answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        is_film = "/gradio_api/file=" in scope["path"] and scope["path"].endswith(".png")

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.fixed)
                if is_film or ("/gradio_api/" in scope["path"] and "/file=" not in scope["path"]):
                    headers["cache-control"] = "no-store"
            await send(message)

        return await self.app(scope, receive, signed)


class ClosedPaths:
    """Middleware that answers 404 for doors nobody here needs."""

    def __init__(self, app: ASGIApp, paths: Iterable[str] = CLOSED_PATHS) -> None:
        self.app = app
        self.paths = tuple(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a closed path, however many slashes it is written with."""
        if scope["type"] == "http":
            path = "/" + "/".join(part for part in scope["path"].split("/") if part)
            inside = path.removeprefix(scope.get("root_path", "").rstrip("/")) or "/"
            if any(each == closed or each.startswith(closed + "/") for each in (path, inside) for closed in self.paths):
                return await PlainTextResponse("Not found", 404)(scope, receive, send)
        return await self.app(scope, receive, send)


class NamelessUploads:
    """Middleware that swaps the file names in an upload for random ones before anything is written.

    File names of films carry patients' names. The random name also keeps two uploads of one film apart on disk.
    """

    def __init__(self, app: ASGIApp, folder: Path | None = None, max_bytes: int = MAX_WAITING_BYTES) -> None:
        self.app = app
        self.folder = folder
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass uploads through a `NameScrubber`, everything else untouched; refuse them where the folder is full."""
        boundary = _upload_boundary(scope)
        if boundary is None:
            return await self.app(scope, receive, send)
        if self.folder is not None and _bytes_in(self.folder) > self.max_bytes:
            return await PlainTextResponse(_FULL, 507)(scope, receive, send)
        scrubber = NameScrubber(boundary)

        async def scrubbed() -> Message:
            message: dict[str, Any] = dict(await receive())
            if message["type"] == "http.request":
                message["body"] = scrubber.feed(message.get("body", b""), not message.get("more_body", False))
            return message

        return await self.app(scope, scrubbed, send)


class NameScrubber:
    """Rewrites a multipart body (RFC 7578) as it streams by: every part's header loses the sender's file name."""

    def __init__(self, boundary: bytes) -> None:
        self.mark = b"--" + boundary
        self.held = b""
        self.in_header = False

    def feed(self, chunk: bytes, last: bool) -> bytes:
        """Take the next bytes and return those that are safe to pass on; what may be half a header is held back."""
        self.held += chunk
        passed = bytearray()
        while self._advance(passed):
            pass
        if last or (self.in_header and len(self.held) > _HEADER_LIMIT):
            passed += b"" if self.in_header and not self.held.startswith(b"--") else self.held
            self.held = b""
        return bytes(passed)

    def _advance(self, passed: bytearray) -> bool:
        """Move one header or one stretch of content from `held` to `passed`; False when more bytes are needed."""
        if self.in_header:
            end = self.held.find(b"\r\n\r\n")
            if end < 0:
                return False
            passed += _anonymous(self.held[: end + 4])
            self.held, self.in_header = self.held[end + 4 :], False
            return True
        start = self.held.find(self.mark)
        if start < 0:
            safe = max(0, len(self.held) - len(self.mark) + 1)
            passed += self.held[:safe]
            self.held = self.held[safe:]
            return False
        end = start + len(self.mark)
        passed += self.held[:end]
        self.held, self.in_header = self.held[end:], True
        return True


def _anonymous(header: bytes) -> bytes:
    """One part's header with a random file name, where it had any."""
    lines = header.split(b"\r\n")
    for index, line in enumerate(lines):
        if line.lower().startswith(b"content-disposition:") and b"filename" in line.lower():
            lines[index] = (
                b'Content-Disposition: form-data; name="files"; filename="film-%s"' % secrets.token_hex(12).encode()
            )
    return b"\r\n".join(lines)


def _bytes_in(folder: Path) -> int:
    """Size of all files under a folder; those that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _upload_boundary(scope: Scope) -> bytes | None:
    """The boundary of a multipart upload, or None for any other request."""
    if scope["type"] != "http" or not scope["path"].rstrip("/").endswith("/gradio_api/upload"):
        return None
    from python_multipart.multipart import parse_options_header

    content_type, options = parse_options_header(dict(scope["headers"]).get(b"content-type", b""))
    return options.get(b"boundary") if content_type == b"multipart/form-data" else None
