"""Checks the runs that a caller hands over before any request, and encodes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments._json import NotStorable, json_text
from promptops.models.experiments import TYPED_OUTPUT, ExperimentRun

__all__ = ["EncodedRun", "check_experiment_name", "encoded_runs"]

_LONGEST_NAME: Final = 255
_MOST_NAMED: Final = 20


class EncodedRun(ExperimentRun, frozen=True, kw_only=True):
    """A row whose JSON is known: it was checked when its output was kept, and is not encoded again."""

    encoded: bytes

    @classmethod
    def of(cls, run: ExperimentRun) -> EncodedRun:
        """Encode a row."""
        encoded = msgspec.json.encode(run.to_wire())
        return cls(
            example_id=run.example_id,
            output=run.output,
            error=run.error,
            fields=run.fields,
            id=run.id,
            encoded=encoded,
        )


def check_experiment_name(name: str) -> None:
    """Refuse a name that the contract does not allow."""
    if not 1 <= len(name) <= _LONGEST_NAME or re.search(r'["\\]', name):
        raise ValidationError(
            f"an experiment's name has 1 to {_LONGEST_NAME} characters, without double quotes and backslashes; "
            f"{name[:300]!r} does not fit",
            validation_errors=[{"field": "name", "message": "does not fit", "code": "invalid"}],
        )


def encoded_runs(runs: Iterable[Mapping[str, Any] | ExperimentRun]) -> list[bytes]:
    """Return each run as JSON; an output that is not a string is kept typed beside its text.

    Raises:
        ValidationError: There is none, or some cannot be stored; every problem is named, with its position.
    """
    given: object = runs
    if isinstance(given, str | bytes | Mapping):
        raise ValidationError("runs must be a list of objects, not one object or text")
    encoded: list[bytes] = []
    problems: list[dict[str, Any]] = []
    for index, run in enumerate(cast("Iterable[object]", runs)):
        try:
            encoded.append(_encoded(run))
        except NotStorable as exc:
            problems.append({"field": f"runs[{index}]", "message": str(exc), "code": "invalid"})
    if problems:
        named = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems[:_MOST_NAMED])
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise ValidationError(
            f"{len(problems)} of the runs cannot be stored: {named}{more}", validation_errors=problems
        )
    if not encoded:
        raise ValidationError("an experiment needs at least one run; an empty one cannot be stored")
    return encoded


def _encoded(run: object) -> bytes:
    if isinstance(run, EncodedRun):
        return run.encoded
    if isinstance(run, ExperimentRun):
        item = run.to_wire()
    elif isinstance(run, Mapping):
        item = dict(cast("Mapping[str, Any]", run))
        item.pop("id", None)
    else:
        raise NotStorable(f"must be an object, not {type(run).__name__}")
    if not isinstance(item.get("example_id"), str):
        raise NotStorable("needs an example_id, the id of an example of the dataset")
    if "output" not in item:
        raise NotStorable("needs an output")
    if not isinstance(item["output"], str):
        item["output"] = item[TYPED_OUTPUT] = json_text(item["output"])
    body = json_text(item).encode()
    if len(body) > LARGEST_ITEM:
        raise NotStorable(
            f"takes {len(body) / 2**20:.1f} MiB, more than the {LARGEST_ITEM // 2**20} MiB of one request"
        )
    if codec.depth_exceeds(body, codec.MAX_DEPTH - 4):
        raise NotStorable(f"nests deeper than {codec.MAX_DEPTH - 4} levels")
    return body
