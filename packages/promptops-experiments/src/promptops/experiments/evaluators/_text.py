"""The texts that evaluators compare: of values, folded, normalised, and cut into tokens."""

from __future__ import annotations

import re
import sys
from typing import Final

from promptops.experiments._json import json_text
from promptops.models.experiments import Evaluation

__all__ = ["folded", "normalized", "text_of", "tokens_of", "verdict"]

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b\s*", re.IGNORECASE)


class _Marks(dict[int, str | None]):
    """A table for ``str.translate`` that drops punctuation and symbols, filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        import unicodedata

        kept = None if unicodedata.category(chr(code))[0] in "PS" else chr(code)
        if len(self) < sys.maxunicode // 16:
            self[code] = kept
        return kept


_MARKS: Final = _Marks()


def verdict(right: bool, explanation: str | None = None) -> Evaluation:
    """Return the evaluation of a yes or no."""
    return Evaluation(score=float(right), label=str(right).lower(), explanation=explanation)


def text_of(value: object) -> str:
    """Return a string as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json_text(value)


def folded(value: object, ignore_case: bool) -> str:
    """Return the text without white space around it, and without case when asked."""
    text = text_of(value).strip()
    return text.casefold() if ignore_case else text


def normalized(
    value: object,
    *,
    ignore_case: bool = True,
    ignore_punctuation: bool = True,
    ignore_articles: bool = True,
    ignore_white_space: bool = True,
    unicode_form: bool = True,
) -> str:
    """Return the text without the differences that do not matter; see :func:`normalized_match`."""
    import unicodedata

    text = text_of(value)
    if unicode_form:
        text = unicodedata.normalize("NFKC", text)
    if ignore_case:
        text = text.casefold()
    if ignore_punctuation:
        text = text.translate(_MARKS)
    if ignore_articles:
        text = _ARTICLES.sub("", text)
    if unicode_form:
        text = unicodedata.normalize("NFKC", text)  # what folding and dropping left may have another form
    if ignore_white_space:
        text = " ".join(text.split())
    return text


def tokens_of(value: object) -> list[str]:
    """Return the words of a text: case, punctuation and the English articles aside."""
    return normalized(value).split()
