"""What an evaluator is, and how evaluators are named, checked and made ready to run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast, runtime_checkable

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import Bound, bind_evaluator
from promptops.experiments._json import NotStorable
from promptops.experiments._returned import as_evaluation
from promptops.models.experiments import Evaluation

__all__ = [
    "BuiltIn",
    "Evaluator",
    "Evaluators",
    "NamedEvaluator",
    "Simple",
    "as_evaluation",
    "judged",
    "named_evaluators",
]

_NAME: Final = re.compile(r"[^\"\\\x00-\x1f]{1,128}")
_MOST_INLINE: Final = 10_000


@runtime_checkable
class Evaluator(Protocol):
    """An evaluator as an object: a name, and a function that scores one output.

    ``on_error = True`` makes it run where the task failed, too; ``output`` is None there, and a parameter ``error``
    holds the error's text.
    """

    @property
    def name(self) -> str:
        """The name of its columns."""
        ...

    @property
    def evaluate(self) -> Callable[..., Any]:
        """Takes ``output``, ``expected``, ``input``, ``example``, ``metadata``, ``error`` by name; sync or async."""
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
        on_error: Whether it runs where the task failed, too.
        source: The evaluator as it was given.
    """

    name: str
    bound: Bound
    inline: bool = False
    on_error: bool = False
    source: Any = None

    def is_quick(self, output: object) -> bool:
        """Whether it may run on the event loop: it comes with the package, and the output is small."""
        return self.inline and _is_small(output)


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
        if not _NAME.fullmatch(name) or name.isspace():
            raise ValidationError(f"an evaluator cannot be named {name!r}; use 1 to 128 characters without quotes")
        if name in ready:
            raise ValidationError(f"two evaluators are named {name!r}; pass a mapping of different names")
        ready[name] = _ready(name, item)
    for name in ready:
        # Metrics of an evaluator that gives several have its name before theirs.
        owner = next((other for other in ready if name.startswith(f"{other}.")), None)
        if owner is not None:
            raise ValidationError(
                f"evaluators cannot be named {owner!r} and {name!r} at once: {name!r} may be a metric of {owner!r}"
            )
    return list(ready.values())


def _ready(name: str, item: object) -> NamedEvaluator:
    if isinstance(item, type):
        raise ValidationError(f"evaluator {name!r} is a class; pass an object of it: {item.__name__}(...)")
    call = cast("Callable[..., Any]", getattr(item, "evaluate", item))
    built_in = item if isinstance(item, BuiltIn) else None
    bound = bind_evaluator(name, call, () if built_in is None else built_in.fields)
    on_error: object = getattr(item, "on_error", False)
    if not isinstance(on_error, bool):
        raise ValidationError(f"on_error of evaluator {name!r} must be True or False, not {type(on_error).__name__}")
    return NamedEvaluator(
        name=name,
        bound=bound,
        inline=built_in is not None and built_in.inline,
        on_error=on_error or bound.takes("error"),
        source=item,
    )


def _name(evaluator: object) -> str:
    if not callable(getattr(evaluator, "evaluate", evaluator)):
        kind = type(evaluator).__name__
        raise ValidationError(f"an evaluator is a function, or an object with name and evaluate, not {kind}")
    name = getattr(evaluator, "name", None) or getattr(evaluator, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise ValidationError("an evaluator has no name; pass evaluators={'its name': evaluator}, or give it .name")
    return name


def judged(name: str, result: object) -> Evaluation:
    """Return what evaluator ``name`` returned as an evaluation; what is none becomes an error that names both."""
    try:
        return as_evaluation(result)
    except NotStorable as exc:
        return Evaluation(error=f"evaluator {name!r} {exc}")


def _is_small(value: object) -> bool:
    """Whether a value has at most 10,000 characters and parts; looks at no more than that."""
    left = _MOST_INLINE
    waiting: list[object] = [value]
    while waiting and left >= 0:
        part = waiting.pop()
        left -= 1
        if isinstance(part, str | bytes):
            left -= len(part)
        elif isinstance(part, Mapping | Sequence):
            left -= len(cast("Sequence[object]", part))
            if left >= 0:
                found = cast("Mapping[str, object] | Sequence[object]", part)
                waiting.extend([*found, *found.values()] if isinstance(found, Mapping) else found)
    return left >= 0


class BuiltIn:
    """Base of the evaluators that come with the package.

    Attributes:
        name: The name of its columns.
        fields: Fields that an example must have.
        inline: Whether it is pure and quick on small outputs, so that it needs no thread.
        on_error: Whether it runs where the task failed, too.
    """

    inline = False
    on_error = False

    def __init__(self, name: str, fields: Sequence[str] = (), **settings: object) -> None:
        self.name = name
        self.fields = tuple(dict.fromkeys(fields))
        self.settings: Mapping[str, object] = settings

    def __repr__(self) -> str:
        return f"<evaluator {self.name}>"


class Simple(BuiltIn):
    """Base of those that are quick, pure, and about one field of the example."""

    inline = True

    def __init__(self, name: str, field: str | None, **settings: object) -> None:
        super().__init__(name, () if field is None else (field,), field=field, **settings)
