"""Turns what an evaluator returned into an evaluation, or says why it is none."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from promptops.experiments._json import NotStorable, shown, storable_text
from promptops.models.experiments import Evaluation

__all__ = ["LONGEST_LABEL", "LONGEST_TEXT", "as_evaluation", "is_bool"]

LONGEST_LABEL: Final = 1_000
LONGEST_TEXT: Final = 100_000
_MOST_PARTS: Final = 100
_LARGEST_NUMBER: Final = 1e100  # squares of what is beyond it leave the range of floats
_PART_NAME: Final = re.compile(r"[^.\"\\\x00-\x1f\ud800-\udfff]{1,128}")
_KEYS: Final = frozenset({"score", "label", "explanation"})
_EXPECTED: Final = "return a bool, a number, a label, (score, explanation), a mapping or an Evaluation"


def as_evaluation(result: object) -> Evaluation:
    """Return what an evaluator returned as an evaluation.

    ``bool`` gives 1 or 0 and a label, a number is the score, a string the label. A tuple is (score, explanation) or
    (score, label, explanation), each in its type. A mapping has some of ``score``, ``label`` and ``explanation``. A
    list of evaluations with different names, or a mapping of names to evaluations, gives several metrics.

    An evaluation with an error keeps no score.

    Raises:
        NotStorable: It is none of these, or too large; the message says what it was.
    """
    try:
        return _read(result)
    except NotStorable as exc:
        if not isinstance(result, tuple | list | Mapping):
            raise
        raise NotStorable(f"{exc}; it was {shown(cast('object', result))}") from None


def _read(result: object) -> Evaluation:
    if isinstance(result, Evaluation):
        return _one(result) if result.parts is None else _several(result, result.parts)
    if isinstance(result, str):
        return _made(None, result, None)
    if isinstance(result, tuple):
        return _of_tuple(cast("tuple[object, ...]", result))
    if isinstance(result, Mapping):
        return _of_mapping(cast("Mapping[object, object]", result))
    if isinstance(result, list):
        return _of_list(cast("list[object]", result))
    if result is None:
        raise NotStorable(f"returned None; {_EXPECTED}")
    if not (is_bool(result) or isinstance(result, numbers.Number)):
        raise NotStorable(f"returned {shown(result)} of type {type(result).__name__}; {_EXPECTED}")
    return _made(result, _label(result), None)


def is_bool(value: object) -> bool:
    """Whether a value is a truth value, Python's or numpy's."""
    return isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}


def _of_tuple(given: tuple[object, ...]) -> Evaluation:
    if len(given) == 2:
        return _made(given[0], _label(given[0]), given[1])
    if len(given) == 3:
        label = given[1] if given[1] is not None else _label(given[0])
        return _made(given[0], label, given[2])
    raise NotStorable(
        f"returned a tuple of {len(given)}; (score, explanation) or (score, label, explanation) is expected"
    )


def _of_mapping(given: Mapping[object, object]) -> Evaluation:
    if given and all(isinstance(value, Evaluation) for value in given.values()):
        return _several(Evaluation(), given)
    unknown = [shown(name) for name in given if name not in _KEYS]
    if unknown or not given:
        named = ", ".join(unknown[:5]) or "nothing"
        raise NotStorable(f"returned a mapping with {named}; score, label, explanation fit")
    score = given.get("score")
    return _made(score, given.get("label", _label(score)), given.get("explanation"))


def _of_list(given: Sequence[object]) -> Evaluation:
    parts: dict[object, Evaluation] = {}
    for item in given:
        if not isinstance(item, Evaluation) or item.name is None:
            raise NotStorable(
                f"returned a list with {shown(item)}; a list holds an Evaluation(name=..., ...) for each metric"
            )
        if item.name in parts:
            raise NotStorable(f"returned two evaluations named {item.name!r}")
        parts[item.name] = item
    if not parts:
        raise NotStorable(f"returned an empty list; {_EXPECTED}")
    return _several(Evaluation(), parts)


def _several(whole: Evaluation, given: object) -> Evaluation:
    parts = cast("Mapping[object, object]", given)
    if not isinstance(given, Mapping) or not parts:
        raise NotStorable(f"returned parts of {shown(parts)}; a mapping of names to evaluations is expected")
    if len(parts) > _MOST_PARTS:
        raise NotStorable(f"returned {len(parts)} metrics, more than {_MOST_PARTS}")
    checked: dict[str, Evaluation] = {}
    for name, part in parts.items():
        if not isinstance(part, Evaluation):
            raise NotStorable(f"returned {shown(part)} as metric {shown(name)}; an Evaluation is expected")
        if part.parts is not None:
            raise NotStorable(f"returned a metric {shown(name)} that has parts itself; one level is allowed")
        checked[_part_name(name)] = msgspec.structs.replace(_one(part), name=None)
    empty = whole.score is None and whole.label is None and whole.error is None
    return msgspec.structs.replace(_facts(whole, whole) if empty else _one(whole), parts=checked)


def _part_name(name: object) -> str:
    if not isinstance(name, str) or not _PART_NAME.fullmatch(name):
        raise NotStorable(
            f"returned a metric named {shown(name)}; a name has 1 to 128 characters without dots and quotes"
        )
    return name


def _one(given: Evaluation) -> Evaluation:
    error: Any = given.error
    if error is not None:
        _check_text(given.label, given.explanation, error)
        return _facts(Evaluation(label=given.label, explanation=given.explanation, error=error), given)
    return _facts(_made(given.score, given.label, given.explanation), given)


def _facts(made: Evaluation, given: Evaluation) -> Evaluation:
    """Take cost, usage and duration of ``given``, each checked."""
    figures: dict[str, float | None] = {"cost": given.cost, "duration_ms": given.duration_ms}
    for name, value in figures.items():
        figures[name] = None if value is None else _number(value, name)
        if (figures[name] or 0) < 0:
            raise NotStorable(f"returned a {name} of {shown(value)}; it must be 0 or more")
    if given.usage is not None and not _is_usage(given.usage):
        raise NotStorable(f"returned a usage of {shown(given.usage)}; it must be a mapping of names to whole numbers")
    _check_text(given.label, given.explanation)
    return msgspec.structs.replace(made, usage=given.usage, **figures)


def _is_usage(usage: object) -> bool:
    if not isinstance(usage, Mapping):
        return False
    counts = cast("Mapping[object, object]", usage)
    return len(counts) <= _MOST_PARTS and all(_is_count(*item) for item in counts.items())


def _is_count(name: object, count: object) -> bool:
    return isinstance(name, str) and isinstance(count, int) and not isinstance(count, bool) and count >= 0


def _made(score: object, label: object, explanation: object) -> Evaluation:
    number = None if score is None else _number(score, "score")
    _check_text(label, explanation)
    if number is None and label is None:
        raise NotStorable("returned neither a score nor a label")
    return Evaluation(score=number, label=cast("str | None", label), explanation=cast("str | None", explanation))


def _label(score: object) -> str | None:
    return str(bool(score)).lower() if is_bool(score) else None


def _number(value: object, what: str) -> float:
    if isinstance(value, complex) or not (is_bool(value) or isinstance(value, numbers.Number)):
        raise NotStorable(f"returned {shown(value)} of type {type(value).__name__}; a {what} must be a number")
    try:
        number = float(cast("float", value))
    except (OverflowError, ValueError, TypeError):
        raise NotStorable(f"returned a number that is too large for a {what}") from None
    if not math.isfinite(number):
        raise NotStorable(f"returned {number}; a {what} must be finite")
    if abs(number) > _LARGEST_NUMBER:
        raise NotStorable(f"returned a number that is too large for a {what}: {number:g}")
    return number


def _check_text(label: object, explanation: object, error: object = None) -> None:
    texts: Iterable[tuple[str, object, int]] = (
        ("label", label, LONGEST_LABEL),
        ("explanation", explanation, LONGEST_TEXT),
        ("error", error, LONGEST_TEXT),
    )
    for part, value, longest in texts:
        if value is None:
            continue
        if not isinstance(value, str):
            raise NotStorable(f"returned a {part} of type {type(value).__name__}, {shown(value)}; it must be a string")
        if len(value) > longest:
            raise NotStorable(f"returned a {part} of {len(value):,} characters, more than {longest:,}")
        try:
            storable_text(value)
        except NotStorable as exc:
            raise NotStorable(f"returned a {part} that cannot be stored: {exc}") from None
