"""`GET /healthz`: 503 until the model has answered once, then 200. For load balancers, start scripts and Spaces."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.models import ModelSlot
from egma import __version__

NO_STORE = {"cache-control": "no-store"}


def build_health_route(model: ModelSlot) -> Route:
    """The route, beside the page's own."""

    async def healthz(request: Request) -> JSONResponse:  # noqa: ARG001 - the framework's signature
        return health_answer(model)

    return Route("/healthz", healthz, methods=["GET", "HEAD"])


def health_answer(model: ModelSlot) -> JSONResponse:
    """What the route says now. A model that answered and sleeps since, to make room for another, is well."""
    if model.has_answered:
        return JSONResponse({"status": "ok", "checkpoint": model.name, "version": __version__}, 200, NO_STORE)
    body = {"status": model.state, "checkpoint": model.name, "version": __version__}
    if model.state == "failed":
        body["detail"] = model.failure
    return JSONResponse(body, 503, NO_STORE)
