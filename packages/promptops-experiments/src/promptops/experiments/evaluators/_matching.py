"""Evaluators that compare a text with a text: equal, equal but for what does not matter, containing, matching."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, cast

from promptops.core.errors import ValidationError
from promptops.experiments._evaluation import Evaluator, Simple
from promptops.experiments._json import shown
from promptops.experiments.evaluators._text import folded, normalized, text_of, verdict
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation

__all__ = ["contains", "contains_all", "contains_any", "exact_match", "normalized_match", "regex_match"]

_MOST_NAMED: Final = 10


def exact_match(field: str = "expected", *, ignore_case: bool = False, name: str = "exact_match") -> Evaluator:
    """Score 1 when the output is the example's ``field``, white space around both aside."""
    return _ExactMatch(name, field, ignore_case=ignore_case)


def normalized_match(
    field: str = "expected",
    *,
    ignore_case: bool = True,
    ignore_punctuation: bool = True,
    ignore_articles: bool = True,
    ignore_white_space: bool = True,
    unicode_form: bool = True,
    name: str = "normalized_match",
) -> Evaluator:
    """Score 1 when the output is the example's ``field``, but for differences that do not matter.

    Args:
        field: The field with the right text.
        ignore_case: Fold case, in every script.
        ignore_punctuation: Drop punctuation and symbols of every script (``$5`` is ``5``, ``don't`` is ``dont``).
        ignore_articles: Drop the English words a, an, the.
        ignore_white_space: Take any run of white space for one space, and drop it at both ends.
        unicode_form: Compare in form NFKC: full-width letters, ligatures and composed accents are what they stand for.
        name: The name of the columns.
    """
    return _NormalizedMatch(
        name,
        field,
        ignore_case=ignore_case,
        ignore_punctuation=ignore_punctuation,
        ignore_articles=ignore_articles,
        ignore_white_space=ignore_white_space,
        unicode_form=unicode_form,
    )


def contains(field: str = "expected", *, ignore_case: bool = False, name: str = "contains") -> Evaluator:
    """Score 1 when the output contains the example's ``field``."""
    return _Contains(name, field, ignore_case=ignore_case)


def contains_all(
    field: str = "expected",
    *,
    texts: Sequence[str] | None = None,
    ignore_case: bool = False,
    partial: bool = False,
    name: str = "contains_all",
) -> Evaluator:
    """Score 1 when the output contains each text of a list; the explanation names those that it lacks.

    Args:
        field: The field with the list of texts (a single text counts as a list of one).
        texts: The list itself, the same for each example; then no field is read.
        ignore_case: Compare without case.
        partial: Score the share of texts that are there, instead of 1 or 0.
        name: The name of the columns.
    """
    return _ContainsAll(name, field, texts, ignore_case=ignore_case, partial=partial)


def contains_any(
    field: str = "expected",
    *,
    texts: Sequence[str] | None = None,
    ignore_case: bool = False,
    name: str = "contains_any",
) -> Evaluator:
    """Score 1 when the output contains at least one text of a list; arguments as for :func:`contains_all`."""
    return _ContainsAny(name, field, texts, ignore_case=ignore_case)


def regex_match(pattern: str, *, field: str | None = None, name: str = "regex_match") -> Evaluator:
    """Score 1 when the output matches; with ``field``, when the last match (or its first group) is the field's text.

    The time that a pattern takes is its author's: nested repetitions such as ``(a+)+$`` may take very long.
    """
    return _RegexMatch(name, field, pattern)


class _ExactMatch(Simple):
    def __init__(self, name: str, field: str, *, ignore_case: bool) -> None:
        super().__init__(name, field, ignore_case=ignore_case)
        self._field = field
        self._ignore_case = ignore_case

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        wanted, got = folded(example[self._field], self._ignore_case), folded(output, self._ignore_case)
        return self._judged(got, wanted)

    def _judged(self, got: str, wanted: str) -> Evaluation:
        return verdict(got == wanted)


class _Contains(_ExactMatch):
    def _judged(self, got: str, wanted: str) -> Evaluation:
        return verdict(wanted in got)


class _NormalizedMatch(Simple):
    def __init__(self, name: str, field: str, **options: bool) -> None:
        super().__init__(name, field, **options)
        self._field = field
        self._options = options

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        got, wanted = normalized(output, **self._options), normalized(example[self._field], **self._options)
        return verdict(got == wanted)


class _ContainsAll(Simple):
    def __init__(self, name: str, field: str, texts: Sequence[str] | None, **options: bool) -> None:
        if texts is not None:
            texts = _checked_texts(texts, "texts")
        super().__init__(name, field if texts is None else None, texts=texts, **options)
        self._field = field
        self._texts = texts
        self._ignore_case = options["ignore_case"]
        self._partial = options.get("partial", False)

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        wanted = self._texts if self._texts is not None else _checked_texts(example[self._field], self._field)
        got = folded(output, self._ignore_case)
        missing = [text for text in wanted if folded(text, self._ignore_case) not in got]
        return self._judged(len(wanted), missing)

    def _judged(self, wanted: int, missing: Sequence[str]) -> Evaluation:
        explanation = f"lacks {_listed(missing)}" if missing else None
        if not self._partial:
            return verdict(not missing, explanation)
        return Evaluation(score=(wanted - len(missing)) / wanted, explanation=explanation)


class _ContainsAny(_ContainsAll):
    def _judged(self, wanted: int, missing: Sequence[str]) -> Evaluation:
        found = len(missing) < wanted
        return verdict(found, None if found else f"has none of {_listed(missing)}")


class _RegexMatch(Simple):
    def __init__(self, name: str, field: str | None, pattern: str) -> None:
        super().__init__(name, field, pattern=pattern)
        self._field = field
        try:
            self._pattern = re.compile(pattern)
        except re.error as exc:
            raise ValidationError(f"the pattern {pattern!r} is not a regular expression: {exc}") from None

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        if self._field is None:
            return verdict(self._pattern.search(text_of(output)) is not None)
        wanted = text_of(example[self._field]).strip()
        matches = deque(self._pattern.finditer(text_of(output)), maxlen=1)
        if not matches:
            return verdict(False, f"the pattern does not match, expected {shown(wanted)}")
        found = (matches[0][1] if self._pattern.groups else matches[0][0]) or ""
        return verdict(found.strip() == wanted, f"found {shown(found.strip())}, expected {shown(wanted)}")


def _checked_texts(given: Any, where: str) -> list[str]:
    """Return a list of texts, none of them empty; what else is there is refused, by the name of its place."""
    texts: list[object] = [given] if isinstance(given, str) else []
    if isinstance(given, list | tuple):
        texts = [*cast("Sequence[object]", given)]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValidationError(
            f"{where!r} must be a list of texts, none of them empty, not {shown(cast('object', given))}"
        )
    return cast("list[str]", texts)


def _listed(texts: Sequence[str]) -> str:
    named = ", ".join(shown(text) for text in texts[:_MOST_NAMED])
    return named if len(texts) <= _MOST_NAMED else f"{named} and {len(texts) - _MOST_NAMED} more"
