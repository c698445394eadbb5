"""Runs code with an official client, in the environment of that client: one JSON line in, one out.

This file knows nothing of the rest of the repository, because the interpreter that runs it has none of it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any, TextIO

_compiled: dict[str, Callable[..., Any]] = {}


def main() -> None:
    """Answer requests until standard input ends."""
    # What the client prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        _answer(json.loads(line), answers)


def _answer(request: dict[str, Any], answers: TextIO) -> None:
    try:
        reply = {"value": _run(request)}
        text = json.dumps(reply, default=_plain)
    except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked is told
        facts = {"kind": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}
        text = json.dumps({"error": facts})
    answers.write(text + "\n")
    answers.flush()


def _run(request: dict[str, Any]) -> Any:
    function = _function(request["code"])
    module, (blocking, asynchronous) = import_module(request["module"]), request["names"]
    if inspect.iscoroutinefunction(function):
        make = getattr(module, asynchronous)
        return asyncio.run(_run_async(function, make, request))
    return function(getattr(module, blocking)(**request["arguments"]), request["payload"])


async def _run_async(function: Callable[..., Any], make: Callable[..., Any], request: dict[str, Any]) -> Any:
    return await function(make(**request["arguments"]), request["payload"])


def _function(code: str) -> Callable[..., Any]:
    """The function ``run`` of some code; the same code is compiled once."""
    if code not in _compiled:
        names: dict[str, Any] = {}
        exec(compile(code, "<official>", "exec"), names)
        _compiled[code] = names["run"]
    return _compiled[code]


def _plain(value: Any) -> Any:
    """What JSON can carry of an object of the client."""
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "keys"):
        return dict(value)
    return list(value) if hasattr(value, "__iter__") else str(value)


main()
