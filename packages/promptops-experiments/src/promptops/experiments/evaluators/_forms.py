"""The forms of a judge's verdict: what is asked for, as words and as a schema, and how the answer is read strictly."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final, cast

from promptops.core.errors import ValidationError
from promptops.experiments._json import shown
from promptops.experiments._returned import LONGEST_LABEL, LONGEST_TEXT
from promptops.experiments.evaluators._answers import UnreadableAnswerError
from promptops.experiments.evaluators._structure import strict_json
from promptops.models.experiments import Evaluation

__all__ = ["Choices", "Form", "Scale", "form_of"]

_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


class Form(ABC):
    """What an answer must look like: one JSON object with ``explanation`` and one more member."""

    key = "label"

    @property
    @abstractmethod
    def member(self) -> Mapping[str, Any]:
        """The JSON schema of the member that holds the verdict."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What the member may be, in words."""

    @abstractmethod
    def read(self, value: object) -> Evaluation:
        """Return the verdict, or raise :class:`UnreadableAnswerError`."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the answer, for providers that keep answers to one."""
        return {
            "type": "object",
            "properties": {"explanation": {"type": "string"}, self.key: dict(self.member)},
            "required": ["explanation", self.key],
            "additionalProperties": False,
        }

    @property
    def instruction(self) -> str:
        """What tells the model how to answer."""
        return (
            "Answer with one JSON object and nothing else, with exactly these members: "
            f'"explanation", a string that gives the reasons in a few sentences, and "{self.key}", {self.words}.'
        )

    def verdict(self, content: str | Mapping[str, Any]) -> Evaluation:
        """Read an answer; one without reasons is a verdict, too.

        Raises:
            UnreadableAnswerError: It is not one JSON object with the members of the form and no other.
        """
        given: object = _parsed(content) if isinstance(content, str) else content
        if not isinstance(given, Mapping):
            raise UnreadableAnswerError(f"the answer is no JSON object but {shown(given)}")
        members = dict(cast("Mapping[str, object]", given))
        if self.key not in members or not members.keys() <= {"explanation", self.key}:
            raise UnreadableAnswerError(
                f'the answer has the members {shown(sorted(map(str, members)))}; "explanation" and "{self.key}" are '
                "expected"
            )
        explanation = members.get("explanation")
        if explanation is not None and not isinstance(explanation, str):
            raise UnreadableAnswerError("the explanation is no string")
        found = self.read(members[self.key])
        text = explanation[:LONGEST_TEXT] if explanation else None
        return Evaluation(score=found.score, label=found.label, explanation=text)


class Choices(Form):
    """One of several labels, each with its score."""

    def __init__(self, choices: Mapping[str, float], who: str) -> None:
        given: Any = choices
        if not isinstance(given, Mapping) or not given:
            raise ValidationError(f"choices of {who} must be a mapping of at least one label to its score")
        for label, score in choices.items():
            if not _is_label(label) or not _is_score(score):
                raise ValidationError(
                    f"choices of {who}: {shown(label)}: {shown(score)} is no label with a finite number as its score"
                )
        self._choices = {label: float(score) for label, score in choices.items()}

    @property
    def member(self) -> Mapping[str, Any]:
        """The labels."""
        return {"type": "string", "enum": list(self._choices)}

    @property
    def words(self) -> str:
        """The labels."""
        return f"one of {', '.join(_quoted(label) for label in self._choices)}"

    def read(self, value: object) -> Evaluation:
        """Return label and score; the label must be one of the choices, to the letter."""
        if not isinstance(value, str) or value not in self._choices:
            raise UnreadableAnswerError(f"the label {shown(value)} is not {self.words}")
        return Evaluation(score=self._choices[value], label=value)


class Scale(Form):
    """A number between two bounds; a whole one when both bounds are."""

    key = "score"

    def __init__(self, scale: tuple[float, float], who: str) -> None:
        given: Any = scale
        fits = isinstance(given, tuple) and len(cast("tuple[object, ...]", given)) == 2
        if not fits or not all(map(_is_score, scale)) or not scale[0] < scale[1]:
            raise ValidationError(f"scale of {who} must be two numbers, the lower first, not {shown(scale)}")
        self._low, self._high = scale
        self._whole = all(isinstance(bound, int) for bound in scale)

    @property
    def member(self) -> Mapping[str, Any]:
        """The bounds."""
        return {"type": "integer" if self._whole else "number", "minimum": self._low, "maximum": self._high}

    @property
    def words(self) -> str:
        """The bounds."""
        return f"a {'whole ' if self._whole else ''}number from {self._low} to {self._high}"

    def read(self, value: object) -> Evaluation:
        """Return the score as it is on the scale."""
        if not _is_score(value) or not self._low <= cast("float", value) <= self._high:
            raise UnreadableAnswerError(f"the score {shown(value)} is not {self.words}")
        score = float(cast("float", value))
        if self._whole and not score.is_integer():
            raise UnreadableAnswerError(f"the score {shown(value)} is not {self.words}")
        return Evaluation(score=score)


def form_of(choices: Mapping[str, float] | None, scale: tuple[float, float] | None, who: str) -> Form:
    """Return the form that was asked for; correct or incorrect when none was."""
    if choices is not None and scale is not None:
        raise ValidationError(f"{who} takes choices or a scale, not both")
    if scale is not None:
        return Scale(scale, who)
    return Choices({"correct": 1.0, "incorrect": 0.0} if choices is None else choices, who)


def _parsed(text: str) -> object:
    fenced = _FENCED.fullmatch(text.strip())
    try:
        return cast("object", strict_json(fenced[1] if fenced else text))
    except ValueError as exc:
        raise UnreadableAnswerError(f"the answer cannot be read: {exc}") from None


def _quoted(label: str) -> str:
    return f'"{label}"'


def _is_label(label: object) -> bool:
    return isinstance(label, str) and bool(label.strip()) and len(label) <= LONGEST_LABEL and '"' not in label


def _is_score(score: object) -> bool:
    if isinstance(score, bool) or not isinstance(score, int | float):
        return False
    try:
        return math.isfinite(score)
    except OverflowError:
        return False
