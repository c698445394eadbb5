"""What the libraries log while a command runs, as notes for the person at the keyboard: one line each on stderr."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click
from promptops.cli._wording import one_line

__all__ = ["note_of", "notes"]

_LOGGER: Final = "promptops"
# What a prompt looks like afterwards, which JSON shows as well.
_NOT_BESIDE_JSON: Final = frozenset({"prompt_stored_differently", "prompt_format_lost"})
_SENTENCES: Final = {
    "prompt_stored_differently": "prompt {name} {version} was stored otherwise than given: {losses}",
    "prompt_read_incompletely": "prompt {name} {version} has parts that cannot be shown: {fields}",
    "prompt_served_stale": "prompt {name} is from the cache, {age_s} s old: {reason}",
    "cache_unavailable": "the {tier} cache is not used: {reason}",
    "env_file_open_to_others": "other users can read {path}: {advice}",
    "env_file_ignored": "{path} is ignored: {reason}",
    "experiment_rows_not_stored": "{rows} rows of the experiment are not stored yet: {error}",
    "recorded_output_left_out": "the output of example {example_id} is not recorded: {error}",
    "progress_failed": "progress cannot be shown: {error}",
}


class _Notes(logging.Handler):
    """Stands in for the handler that is used when an application has set up none."""

    def __init__(self, otherwise: logging.Handler | None, *, beside_json: bool) -> None:
        super().__init__(logging.WARNING if otherwise is None else otherwise.level)
        self._otherwise = otherwise
        self._beside_json = beside_json
        self._said = set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        event: str | None = getattr(record, "promptops_event", None)
        if event is None or record.name != _LOGGER or os.environ.get("PROMPTOPS_DEBUG"):
            if self._otherwise is not None:
                self._otherwise.handle(record)
            return
        if self._beside_json and event in _NOT_BESIDE_JSON:
            return
        note = note_of(event, getattr(record, "promptops_facts", {}))
        if note not in self._said:
            self._said.add(note)
            try:
                click.echo(f"note: {note}", err=True)
            except OSError:
                self.handleError(record)


def note_of(event: str, facts: Mapping[str, Any]) -> str:
    """An event and its facts in one line of words."""
    said = {name: one_line(_listed(value)) for name, value in facts.items()}
    sentence = _SENTENCES.get(event)
    if sentence is not None:
        try:
            return sentence.format_map(said) + _more(facts)
        except KeyError:
            pass  # another version of the library knows other facts
    return ", ".join([event.replace("_", " "), *(f"{name.replace('_', ' ')} {text}" for name, text in said.items())])


def _listed(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "; ".join(str(item) for item in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - a list of anything
    return str(value)


def _more(facts: Mapping[str, Any]) -> str:
    losses, count = facts.get("losses"), facts.get("count")
    further = count - len(losses) if isinstance(losses, list) and isinstance(count, int) else 0  # pyright: ignore[reportUnknownArgumentType] - as above
    return f"; and {further} more" if further > 0 else ""


@contextmanager
def notes(arguments: Sequence[str]) -> Generator[None]:
    """Say what is logged meanwhile as notes, unless code that the command runs sets up logging itself.

    With ``PROMPTOPS_DEBUG`` set, lines stay as the library logs them.

    Args:
        arguments: Those of the command; beside ``--json`` nothing is said of what the JSON shows.
    """
    before = logging.lastResort
    logging.lastResort = _Notes(before, beside_json="--json" in arguments)
    try:
        yield
    finally:
        logging.lastResort = before
