"""What an evaluator is, what it may return, and how that becomes an evaluation."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast, runtime_checkable

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import Bound, bind_evaluator
from promptops.experiments._json import NotStorable, shown, storable_text
from promptops.models.experiments import Evaluation

__all__ = ["Evaluator", "Evaluators", "NamedEvaluator", "Simple", "as_evaluation", "named_evaluators"]

_NAME: Final = re.compile(r"[^\"\\\x00-\x1f]{1,128}")


@runtime_checkable
class Evaluator(Protocol):
    """An evaluator as an object: a name, and a function that scores one output."""

    @property
    def name(self) -> str:
        """The name of its columns."""
        ...

    @property
    def evaluate(self) -> Callable[..., Any]:
        """Takes ``output``, ``expected``, ``input``, ``example``, ``metadata`` by name; sync or async."""
        ...


Evaluators = (
    Callable[..., Any]
    | Evaluator
    | Sequence[Callable[..., Any] | Evaluator]
    | Mapping[str, Callable[..., Any] | Evaluator]
)


class NamedEvaluator(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluator that is ready to run.

    Attributes:
        name: The name of its columns.
        bound: What to call with what.
        inline: Whether it is so quick that a thread of its own would cost more than it does.
    """

    name: str
    bound: Bound
    inline: bool = False


def named_evaluators(evaluators: Evaluators) -> list[NamedEvaluator]:
    """Return the evaluators with their names.

    Raises:
        ValidationError: One has no name, or two have the same, or a parameter cannot be filled.
    """
    given: Any = evaluators
    pairs: list[tuple[str, object]]
    if isinstance(evaluators, Mapping):
        pairs = [(str(name), item) for name, item in given.items()]
    elif isinstance(evaluators, Sequence):
        pairs = [(_name(item), item) for item in given]
    else:
        pairs = [(_name(evaluators), evaluators)]
    ready: dict[str, NamedEvaluator] = {}
    for name, item in pairs:
        if not _NAME.fullmatch(name):
            raise ValidationError(f"an evaluator cannot be named {name!r}; use 1 to 128 characters without quotes")
        if name in ready:
            raise ValidationError(f"two evaluators are named {name!r}; pass a mapping of different names")
        call = cast("Callable[..., Any]", getattr(item, "evaluate", item))
        fields = cast("tuple[str, ...]", getattr(item, "fields", ()))
        inline = isinstance(item, Simple)
        ready[name] = NamedEvaluator(
            name=name, bound=bind_evaluator(name, call, fields if inline else ()), inline=inline
        )
    return list(ready.values())


def _name(evaluator: object) -> str:
    name = getattr(evaluator, "name", None) or getattr(evaluator, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise ValidationError("an evaluator has no name; pass evaluators={'its name': evaluator}, or give it .name")
    return name


def as_evaluation(result: object) -> Evaluation:
    """Return what an evaluator returned as an evaluation.

    ``bool`` gives 1 or 0 and a label, a number is the score, a string the label, a pair is (score, explanation), a
    mapping has some of ``score``, ``label`` and ``explanation``.

    Raises:
        NotStorable: It is none of these.
    """
    if isinstance(result, Evaluation):
        return _checked(result.score, result.label, result.explanation, result.error)
    if isinstance(result, str):
        return _checked(None, result, None)
    if isinstance(result, tuple):
        pair = cast("tuple[object, ...]", result)
        if len(pair) != 2:
            raise NotStorable(f"returned a tuple of {len(pair)}; (score, explanation) is expected")
        return _checked(pair[0], _label(pair[0]), pair[1])
    if isinstance(result, Mapping):
        parts = cast("Mapping[str, object]", result)
        unknown = [str(name) for name in parts if name not in {"score", "label", "explanation"}]
        if unknown or not parts:
            raise NotStorable(
                f"returned a mapping with {', '.join(unknown) or 'nothing'}; score, label, explanation fit"
            )
        score = parts.get("score")
        return _checked(score, parts.get("label", _label(score)), parts.get("explanation"))
    if result is None:
        raise NotStorable("returned None; return a bool, a number, a label, (score, explanation) or an Evaluation")
    return _checked(result, _label(result), None)


def _label(score: object) -> str | None:
    return str(bool(score)).lower() if _is_bool(score) else None


def _is_bool(value: object) -> bool:
    return isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}


def _checked(score: object, label: object, explanation: object, error: str | None = None) -> Evaluation:
    number: float | None = None
    if score is not None:
        if isinstance(score, complex) or not (_is_bool(score) or isinstance(score, numbers.Number)):
            raise NotStorable(f"returned {shown(score)} of type {type(score).__name__}; a score must be a number")
        number = float(cast("float", score))
        if not math.isfinite(number):
            raise NotStorable(f"returned {number}; a score must be finite")
    for part, value in (("label", label), ("explanation", explanation)):
        if value is not None and not isinstance(value, str):
            raise NotStorable(f"returned a {part} of type {type(value).__name__}; it must be a string")
        if isinstance(value, str):
            storable_text(value)
    if number is None and label is None and error is None:
        raise NotStorable("returned neither a score nor a label")
    return Evaluation(
        score=number, label=cast("str | None", label), explanation=cast("str | None", explanation), error=error
    )


class Simple:
    """Base of the evaluators that come with the package: quick, pure, and about one field of the example."""

    def __init__(self, name: str, field: str | None) -> None:
        self.name = name
        self.fields = () if field is None else (field,)

    def __repr__(self) -> str:
        return f"<evaluator {self.name}>"
