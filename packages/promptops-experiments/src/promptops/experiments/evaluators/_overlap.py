"""Evaluators that score how much of an output is right: characters, words, members of a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._evaluation import Evaluator, Simple
from promptops.experiments._json import json_text, shown
from promptops.experiments.evaluators._distance import LONGEST, distance, without_shared_ends
from promptops.experiments.evaluators._text import folded, text_of, tokens_of
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation

__all__ = ["edit_similarity", "overlap", "token_f1"]

OverlapMeasure = Literal["f1", "precision", "recall", "jaccard"]

_MEASURES: Final[tuple[OverlapMeasure, ...]] = ("f1", "precision", "recall", "jaccard")


def edit_similarity(
    field: str = "expected", *, ignore_case: bool = False, max_characters: int = LONGEST, name: str = "edit_similarity"
) -> Evaluator:
    """Score 1 minus the Levenshtein distance as a share of the longer text: 1 for the same text, 0 for no likeness.

    Args:
        field: The field with the right text.
        ignore_case: Compare without case.
        max_characters: Longest text, not counting the beginning and the end that both share; a longer one is an error
            of the evaluation. Two texts of 10,000 characters take about 40 ms, and the time grows with the product.
        name: The name of the columns.

    Raises:
        ValidationError: ``max_characters`` is below 1.
    """
    if max_characters < 1:
        raise ValidationError(f"max_characters must be 1 or more, not {max_characters}")
    return _EditSimilarity(name, field, ignore_case=ignore_case, max_characters=max_characters)


def token_f1(field: str = "expected", *, name: str = "token_f1") -> Evaluator:
    """Score the F1 of the words that output and ``field`` share, as in SQuAD.

    Case, punctuation and the English articles do not count, and a word counts as often as both have it. Where the
    field is a list of texts, the best of them counts. Words are what white space divides; for scripts without spaces
    take :func:`edit_similarity`.
    """
    return _TokenF1(name, field)


def overlap(
    field: str = "expected",
    *,
    measure: OverlapMeasure = "f1",
    ignore_case: bool = False,
    separator: str | None = None,
    name: str = "overlap",
) -> Evaluator:
    """Score how far the members of the output are those of the example's ``field``; order and repeats do not count.

    Both are lists, or texts: a text that is a JSON list, or one that ``separator`` divides. Two empty lists score 1.

    Args:
        field: The field with the right members.
        measure: ``precision`` is the share of the output's members that are right, ``recall`` the share of the right
            ones that the output has, ``f1`` their harmonic mean, ``jaccard`` the share of all members that both have.
        ignore_case: Compare texts without case.
        separator: What divides the members of a text, for example ``","``.
        name: The name of the columns.

    Raises:
        ValidationError: There is no such measure, or the separator is empty.
    """
    if measure not in _MEASURES:
        raise ValidationError(f"there is no measure {measure!r}; the measures are {', '.join(_MEASURES)}")
    if separator == "":
        raise ValidationError("separator must have at least one character")
    return _Overlap(name, field, measure, ignore_case=ignore_case, separator=separator)


class _EditSimilarity(Simple):
    inline = False

    def __init__(self, name: str, field: str, *, ignore_case: bool, max_characters: int) -> None:
        super().__init__(name, field, ignore_case=ignore_case, max_characters=max_characters)
        self._field = field
        self._ignore_case = ignore_case
        self._most = max_characters

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        got, wanted = folded(output, self._ignore_case), folded(example[self._field], self._ignore_case)
        longer = max(len(got), len(wanted))
        got, wanted = without_shared_ends(got, wanted)
        for who, text in (("the output", got), (f"the field {self._field!r}", wanted)):
            if len(text) > self._most:
                raise ValueError(
                    f"{who} has {len(text):,} characters to compare, more than the {self._most:,} of max_characters"
                )
        apart = distance(got, wanted)
        return Evaluation(score=1 - apart / longer if longer else 1.0, explanation=f"{apart} edits")


class _TokenF1(Simple):
    def __init__(self, name: str, field: str) -> None:
        super().__init__(name, field)
        self._field = field

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        given = example[self._field]
        wanted: list[object] = cast("list[object]", given) if isinstance(given, list) else [given]
        if not wanted:
            raise ValueError(f"the field {self._field!r} is an empty list")
        got = tokens_of(output)
        return Evaluation(score=max(_f1(got, tokens_of(answer)) for answer in wanted))


class _Overlap(Simple):
    def __init__(
        self, name: str, field: str, measure: OverlapMeasure, *, ignore_case: bool, separator: str | None
    ) -> None:
        super().__init__(name, field, measure=measure, ignore_case=ignore_case, separator=separator)
        self._field = field
        self._measure: OverlapMeasure = measure
        self._ignore_case = ignore_case
        self._separator = separator

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        got = self._members(output)
        wanted = self._members(example[self._field])
        if wanted is None:
            raise ValueError(f"the field {self._field!r} is no list: {shown(example[self._field])}")
        if got is None:
            return Evaluation(score=0.0, explanation=f"the output is no list: {shown(output)}")
        missing, extra = wanted - got, got - wanted
        reasons = [f"{word} {_named(part)}" for word, part in (("lacks", missing), ("adds", extra)) if part]
        return Evaluation(score=self._score(got, wanted), explanation="; ".join(reasons) or None)

    def _score(self, got: set[str], wanted: set[str]) -> float:
        both = len(got & wanted)
        match self._measure:
            case "precision":
                return _share(both, len(got), empty=not wanted)
            case "recall":
                return _share(both, len(wanted), empty=not got)
            case "jaccard":
                return _share(both, len(got | wanted), empty=True)
            case "f1":
                return _share(2 * both, len(got) + len(wanted), empty=True)

    def _members(self, value: object) -> set[str] | None:
        if isinstance(value, str):
            if self._separator is not None:
                parts: Iterable[object] = (part for part in value.split(self._separator) if part.strip())
            else:
                try:
                    parts = msgspec.json.decode(value, type=list[object])
                except msgspec.MsgspecError:
                    return None
        elif isinstance(value, list | tuple | set | frozenset):
            parts = cast("Iterable[object]", value)
        else:
            return None
        return {folded(part, self._ignore_case) if isinstance(part, str) else json_text(part) for part in parts}


def _f1(got: list[str], wanted: list[str]) -> float:
    both = sum((Counter(got) & Counter(wanted)).values())
    return _share(2 * both, len(got) + len(wanted), empty=True)


def _share(part: int, whole: int, *, empty: bool) -> float:
    return part / whole if whole else float(empty)


def _named(members: set[str]) -> str:
    return text_of(", ".join(shown(member) for member in sorted(members)[:10])) + (" ..." if len(members) > 10 else "")
