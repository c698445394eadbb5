"""The logger, made at first use; silent unless the application has set logging up."""

from __future__ import annotations

import functools
import sys
from collections.abc import MutableMapping
from typing import Any

__all__ = ["event", "log"]


def _render(logger: Any, method: str, facts: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """One line for the standard library: the event, then its facts; an exception goes with it.

    For handlers that say it in another way, the record has both as ``promptops_event`` and ``promptops_facts``.
    """
    del logger, method
    exception, name = facts.pop("exc_info", None), str(facts.pop("event", ""))
    words = [name, *(f"{name}={value!r}" for name, value in facts.items())]
    further: dict[str, Any] = {"extra": {"promptops_event": name, "promptops_facts": dict(facts)}}
    return (" ".join(words),), further | ({"exc_info": exception} if exception else {})


@functools.lru_cache(maxsize=2)
def _logger(configured: bool) -> Any:
    import logging

    import structlog

    if configured:
        return structlog.get_logger("promptops")
    # structlog's own default prints to standard output, which belongs to the application.
    return structlog.wrap_logger(
        logging.getLogger("promptops"),
        processors=[_render],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def log() -> Any:
    """The structlog logger of the application, or one that goes to the ``promptops`` logger of the standard library."""
    import structlog

    return _logger(structlog.is_configured())


def event(name: str, **facts: Any) -> None:
    """Log something that happened, at level info, unless nobody can be listening.

    Importing structlog takes longer than many calls; a process that has set up neither it nor logging is spared.
    """
    if "structlog" not in sys.modules:
        logging = sys.modules.get("logging")
        if logging is None or not logging.getLogger("promptops").isEnabledFor(logging.INFO):
            return
    log().info(name, **facts)
