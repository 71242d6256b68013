"""Webhook for servers that post events themselves (SeaweedFS, MinIO, RustFS): the same answers as for a queue.

POST /events    200 every run that it asks for is there; 400 no event; 401 wrong token; 413 too large;
                503 Prefect or S3 do not answer: send it again
GET  /health    200 while Prefect answers, 503 while not
"""

from __future__ import annotations

import hmac
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

from dub.errors import BadInput, DubError, StoreUnavailable
from flows.answer_upload import Starter, answer_upload
from flows.prefect_api import PrefectApi, PrefectAway
from flows.uploads import MAX_BODY_BYTES, NotAnEvent, read_uploads
from flows.watch_settings import WatchSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

logger = logging.getLogger("dub.watch")

TOKEN = "POLYDUB_WEBHOOK_TOKEN"
LEAST_TOKEN = 16
"""Characters. It is all that stands between the port and the GPUs."""
RETRY_AFTER = {"Retry-After": "5"}


def listen(host: str, port: int, settings: WatchSettings, api: PrefectApi) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered then is finished. Raises BadInput without a token."""
    import uvicorn

    app = webhook(settings, api, os.environ.get(TOKEN, ""))
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn heeds them, then raises them once more for whom it ran
        signal.signal(number, lambda *_: None)
    try:
        uvicorn.run(
            app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
            timeout_keep_alive=30, timeout_graceful_shutdown=60, h11_max_incomplete_event_size=16384,
        )  # fmt: skip
    except SystemExit as error:  # uvicorn's way to say that it could not start
        if error.code:
            raise BadInput(f"cannot listen on {host}:{port}", mend="is the port taken? see the log above") from None


def webhook(settings: WatchSettings, api: PrefectApi, token: str) -> Starlette:
    """The application. Raises BadInput for a token that could be guessed, and for a deployment that is not there."""
    if len(token) < LEAST_TOKEN:
        raise BadInput(
            f"{TOKEN} has {len(token)} characters, {LEAST_TOKEN} are the least",
            mend="set it to what `openssl rand -hex 32` prints, here and in the server that posts",
        )
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    starter = Starter(api, settings.deployment)

    async def events(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            return JSONResponse({"error": "wrong or no bearer token"}, 401, {"WWW-Authenticate": "Bearer"})
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                return JSONResponse({"error": f"at most {MAX_BODY_BYTES} bytes"}, 413, {"Connection": "close"})
        status, told = await run_in_threadpool(_answer, body, settings, starter)
        return JSONResponse(told, status, RETRY_AFTER if status == 503 else None)

    async def health(request: Request) -> Response:
        try:
            n_active = await run_in_threadpool(api.n_active, starter.deployment_id)
        except DubError as error:
            return JSONResponse({"error": str(error)}, 503, RETRY_AFTER)
        return JSONResponse({"active_runs": n_active})

    routes = [Route("/events", events, methods=["POST"]), Route("/health", health, methods=["GET"])]
    return Starlette(routes=routes)


def _answer(body: bytes, settings: WatchSettings, starter: Starter) -> tuple[int, dict[str, Any]]:
    """Status and JSON. A message of several uploads of which one failed is sent again; the others are known then."""
    try:
        answers = [
            answer for upload in read_uploads(body) for answer in answer_upload(upload, settings, starter)
        ]  # fmt: skip
    except NotAnEvent as error:
        return 400, {"error": str(error)}
    except (PrefectAway, StoreUnavailable) as error:
        logger.error("an event is refused, to be sent again: %s", error)
        return 503, {"error": "Prefect or S3 do not answer; the log says which"}
    except Exception:
        logger.exception("an event is refused, to be sent again")
        return 503, {"error": "the log says why"}
    return 200, {"uploads": [{"url": each.url, "led_to": each.led.value, "run": each.run_id} for each in answers]}
