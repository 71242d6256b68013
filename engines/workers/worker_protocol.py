"""The worker's end of the line: one JSON request per line in, one JSON reply per line out, nothing else.

Names, numbers and paths go over the line; sound goes by files of raw float32 in a folder that the caller made. What
libraries print goes to stderr: from the first moment descriptor 1 is the same as 2, and replies have a private one.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import inspect
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

PROTOCOL = 1
MAX_LINE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1
_TYPES = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}

Method = Callable[..., Mapping[str, Any]]


class Refused(Exception):
    """The request is at fault: an unknown method or parameter, a text that cannot be said."""


def serve(name: str, package: str, methods: Mapping[str, Method]) -> None:
    """Say hello, then answer requests one after another until the caller is gone. Call it before any heavy import.

    `methods` take keyword parameters annotated str, int, float or bool and return what JSON can say. Heavy imports
    belong inside them. `package`: the distribution whose version is told in the hello ("" = none).
    """
    requests, replies = _take_channel()
    _die_with_caller()
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, lines), daemon=True).start()
    version = importlib.metadata.version(package) if package else ""
    hello = {"protocol": PROTOCOL, "name": name, "package": f"{package} {version}".strip(), "methods": sorted(methods)}
    _say(replies, {"hello": hello})
    while True:
        _say(replies, answer(lines.get(), methods))


def answer(line: bytes, methods: Mapping[str, Method]) -> dict[str, Any]:
    """The reply to one request: {"id", "result"} or {"id", "error": {"kind": "refused" | "failed", "message"}}."""
    request_id = None
    try:
        request = _read(line)
        request_id = request["id"]
        method = methods.get(request["method"])
        if method is None:
            raise Refused(f"there is no method {request['method']!r}")
        return {"id": request_id, "result": dict(method(**_checked(method, request["parameters"])))}
    except Refused as error:
        return {"id": request_id, "error": {"kind": "refused", "message": str(error)}}
    except Exception as error:
        traceback.print_exc()
        return {"id": request_id, "error": {"kind": "failed", "message": f"{type(error).__name__}: {error}"}}


def _read(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused(f"a request is one line of JSON: {error}") from None
    is_request = isinstance(request, dict) and request.keys() == {"id", "method", "parameters"}
    if not is_request or type(request["id"]) is not int or not isinstance(request["parameters"], dict):
        raise Refused("a request has id (a whole number), method and parameters (a table)")
    return request


def _checked(method: Method, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, if they are those of the method by name and type."""
    wanted = inspect.signature(method).parameters
    if unknown := parameters.keys() - wanted.keys():
        raise Refused(f"there is no parameter {', '.join(sorted(unknown))}")
    for name, parameter in wanted.items():
        if name not in parameters:
            if parameter.default is parameter.empty:
                raise Refused(f"the parameter {name} is missing")
            continue
        types = _TYPES[parameter.annotation]
        value = parameters[name]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise Refused(f"{name} is {parameter.annotation}, not {value!r:.80}")
    return parameters


def _take_channel() -> tuple[BinaryIO, BinaryIO]:
    """Requests and replies on descriptors that no library knows; stdin becomes empty, stdout becomes stderr."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def _die_with_caller() -> None:
    """The kernel ends this process with its caller, even where the caller is killed by SIGKILL. Linux only; `_listen`
    does the same everywhere as soon as Python runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _listen(requests: BinaryIO, lines: queue.Queue[bytes]) -> None:
    """Requests to the queue; at their end the caller has gone, and this process and all that it started go too."""
    while line := requests.readline(MAX_LINE_BYTES):
        lines.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def _say(replies: BinaryIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message, ensure_ascii=True, allow_nan=False).encode() + b"\n")
    replies.flush()
