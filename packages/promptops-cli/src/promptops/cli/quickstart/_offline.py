"""The offline model: a nearest-example classifier that knows nothing but the prompt it is given."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

__all__ = ["NearestExampleModel", "read_prompt"]

UNSURE: Final = "I am not sure"
_EXAMPLE: Final = re.compile(r"^Message:[ \t]*(?P<message>.+)\r?\nLabel:[ \t]*(?P<label>\S.*)$", re.MULTILINE)
_LABELS: Final = re.compile(r"^Labels:[ \t]*(.+)$", re.MULTILINE)
_WORD: Final = re.compile(r"[a-z0-9]+")
_ENDINGS: Final = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ings",
    "ing",
    "ies",
    "ers",
    "ery",
    "er",
    "ed",
    "es",
    "ly",
    "s",
    "e",
    "y",
)
_FILLER_WORDS: Final = (
    "a an and any are as at be been but by can could did do does for from had has have how i if in is it its me my no"
    " not of on or our please so that the their them then there they this to was we were what when where which who"
    " why will with would you your"
)
_FILLER: Final = frozenset(_FILLER_WORDS.split())

Vector = Mapping[str, float]


class Instructions(msgspec.Struct, frozen=True, kw_only=True):
    """What the model understands of a prompt: the labels, and texts that are known to belong to one."""

    labels: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]


class NearestExampleModel:
    """Answers with the label of the example in the prompt that is most like the message.

    It reads the label list (``Labels: a, b``) and the examples (``Message: ...``, ``Label: ...``) out of the rendered
    prompt; the name of a label counts as a short example of it. Where nothing in the prompt resembles the message,
    it says that it is not sure.
    """

    name = "nearest-example classifier"
    description = "offline model: nearest-example classifier, no language model"

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The answer to a chat: the last message is classified by what the earlier ones say."""
        prompt = "\n\n".join(str(message["content"]) for message in messages[:-1])
        documents, weights = _index(prompt)
        question = _vector(str(messages[-1]["content"]), weights)
        best, label = 0.0, UNSURE
        for vector, candidate in documents:
            similarity = _cosine(question, vector)
            if similarity > best:
                best, label = similarity, candidate
        return label


def read_prompt(prompt: str) -> Instructions:
    """Find the labels and the examples in the text of a prompt."""
    found = _LABELS.search(prompt)
    labels = tuple(label.strip() for label in found.group(1).split(",")) if found else ()
    examples = tuple((match["message"].strip(), match["label"].strip()) for match in _EXAMPLE.finditer(prompt))
    return Instructions(labels=labels, examples=examples)


@lru_cache(maxsize=8)
def _index(prompt: str) -> tuple[list[tuple[Vector, str]], dict[str, float]]:
    instructions = read_prompt(prompt)
    texts = [*instructions.examples, *((label, label) for label in instructions.labels)]
    spread = Counter(word for text, _ in texts for word in set(_words(text)))
    weights = {word: math.log(1 + len(texts) / count) for word, count in spread.items()}
    return [(_vector(text, weights), label) for text, label in texts], weights


def _words(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _FILLER]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _vector(text: str, weights: Mapping[str, float]) -> Vector:
    # A word that no example has says nothing about which example is near; it still makes every similarity smaller.
    rare = max(weights.values(), default=1.0)
    return {word: count * weights.get(word, rare) for word, count in Counter(_words(text)).items()}


def _cosine(one: Vector, other: Vector) -> float:
    product = sum(weight * other[word] for word, weight in one.items() if word in other)
    if not product:
        return 0.0
    return product / (_length(one) * _length(other))


def _length(vector: Vector) -> float:
    return math.sqrt(sum(weight * weight for weight in vector.values()))
