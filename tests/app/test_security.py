"""Headers, closed doors and nameless uploads, each tried on a bare application."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

from app.security import CLOSED_PATHS, ClosedPaths, NamelessUploads, NameScrubber, SecurityHeaders, content_policy

BOUNDARY = b"----gradio4711"
CONTENT = bytes(range(256)) * 41 + b"\r\n--" + BOUNDARY[:-1] + b"x"
BODY = (
    b"--" + BOUNDARY + b"\r\n"
    b'Content-Disposition: form-data; name="files"; filename="DOE^JOHN_19511231.dcm"\r\n'
    b"Content-Type: application/dicom\r\n\r\n" + CONTENT + b"\r\n--" + BOUNDARY + b"\r\n"
    b"content-disposition: form-data; name=\"files\"; filename*=UTF-8''Doe%20J.png\r\n\r\n"
    b"second" + b"\r\n--" + BOUNDARY + b"--\r\n"
)
ONE_FILE = BODY[: BODY.index(b"\r\ncontent-disposition")] + b"--\r\n"


async def ask(app, path, method="GET", body=b"", headers=(), chunk=700):
    """One request through the ASGI interface itself: status, headers, body."""
    pieces = [body[start : start + chunk] for start in range(0, max(1, len(body)), chunk)]
    sent = []

    async def receive():
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": list(headers),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 1),
        "client": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    start = sent[0]
    got = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], got, b"".join(message.get("body", b"") for message in sent[1:])


def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


def test_every_answer_carries_the_policy_and_its_companions():
    app = Starlette(routes=[Route("/", plain)], middleware=[Middleware(SecurityHeaders)])
    _, headers, _ = asyncio.run(ask(app, "/"))
    assert headers["content-security-policy"] == content_policy(False)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_the_policy_lets_nothing_in_or_out_and_frames_only_on_a_space():
    assert "http" not in content_policy(False)
    assert "connect-src 'self'" in content_policy(False)
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in content_policy(True)


def test_films_and_answers_are_never_stored_by_a_browser():
    app = Starlette(
        routes=[Route("/gradio_api/file={path:path}", plain), Route("/gradio_api/info", plain)],
        middleware=[Middleware(SecurityHeaders)],
    )
    for path in ("/gradio_api/file=/tmp/x/film.png", "/gradio_api/info"):
        assert asyncio.run(ask(app, path))[1]["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*CLOSED_PATHS, "//gradio_api//deep_link", "/monitoring/summary", "/monitoring/"])
def test_doors_that_nobody_needs_are_closed(path):
    app = Starlette(routes=[Mount("/", plain)], middleware=[Middleware(ClosedPaths)])
    assert asyncio.run(ask(app, path))[0] == 404


def test_other_doors_stay_open():
    app = Starlette(routes=[Route("/monitoringx", plain)], middleware=[Middleware(ClosedPaths)])
    assert asyncio.run(ask(app, "/monitoringx"))[0] == 200


async def list_uploads(request: Request) -> JSONResponse:
    form = await request.form()
    files = form.getlist("files")
    answer = [[each.filename, (await each.read()).hex()] for each in files]
    await form.close()
    return JSONResponse(answer)


@pytest.mark.parametrize("chunk", [1, 13, 64, 1000, 100_000])
def test_uploads_lose_their_names_and_nothing_else(chunk):
    app = Starlette(
        routes=[Route("/gradio_api/upload", list_uploads, methods=["POST"])], middleware=[Middleware(NamelessUploads)]
    )
    header = (b"content-type", b"multipart/form-data; boundary=" + BOUNDARY)
    status, _, body = asyncio.run(ask(app, "/gradio_api/upload", "POST", BODY, [header], chunk))
    assert status == 200
    first, second = json.loads(body)
    assert bytes.fromhex(first[1]) == CONTENT
    assert bytes.fromhex(second[1]) == b"second"
    assert first[0].startswith("film-")
    assert first[0] != second[0]
    assert b"DOE" not in body


def test_a_full_upload_folder_takes_no_more(tmp_path):
    (tmp_path / "film").write_bytes(bytes(100))
    app = Starlette(
        routes=[Route("/gradio_api/upload", list_uploads, methods=["POST"])],
        middleware=[Middleware(NamelessUploads, folder=tmp_path, max_bytes=99)],
    )
    header = (b"content-type", b"multipart/form-data; boundary=" + BOUNDARY)
    assert asyncio.run(ask(app, "/gradio_api/upload", "POST", ONE_FILE, [header]))[0] == 507


def test_a_header_that_never_ends_is_not_passed_on():
    scrubber = NameScrubber(BOUNDARY)
    start = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; filename="' + b"DOE" * 10_000
    assert b"DOE" not in scrubber.feed(start, False) + scrubber.feed(b"", True)


def test_other_requests_pass_untouched():
    app = Starlette(
        routes=[Route("/gradio_api/call", list_uploads, methods=["POST"])], middleware=[Middleware(NamelessUploads)]
    )
    header = (b"content-type", b"multipart/form-data; boundary=" + BOUNDARY)
    body = asyncio.run(ask(app, "/gradio_api/call", "POST", ONE_FILE, [header]))[2]
    assert b"DOE^JOHN_19511231.dcm" in body
