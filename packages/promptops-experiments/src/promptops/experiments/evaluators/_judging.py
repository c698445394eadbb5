"""A model as an evaluator: it is shown an output and answers with a label or a score."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from promptops.core.errors import ValidationError
from promptops.experiments._evaluation import BuiltIn
from promptops.experiments.evaluators._asking import Ask, Asker, Dialogue, Talk, checked_price
from promptops.experiments.evaluators._forms import form_of
from promptops.experiments.evaluators._template import TemplateLike, prompt_of
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation

__all__ = ["LLMJudge", "checked_length", "llm_judge", "values_of"]

_LONGEST_OUTPUT = 100_000


def llm_judge(
    name: str,
    *,
    ask: Ask,
    template: TemplateLike,
    choices: Mapping[str, float] | None = None,
    scale: tuple[float, float] | None = None,
    repair: bool = True,
    price: tuple[float, float] | None = None,
    delimit: Collection[str] = ("input",),
    max_characters: int = _LONGEST_OUTPUT,
) -> LLMJudge:
    """Make an evaluator of a language model.

    The judge is asked for one JSON object with an ``explanation`` and a ``label`` (or ``score``), and only exactly
    that counts: an answer that cannot be read is an error of the evaluation, never a score. What ``ask`` raises is
    left to the run, which waits and asks again when the provider says that calls come too fast. Cost, tokens and time
    of the judge's own calls are recorded on its evaluations.

    **Templates** hold variables as ``{{ name }}``: ``output``, ``metadata``, and the fields of the example (``input``,
    ``expected``, ``question``, ``example.question``); values are never read as templates. The output is put between
    markers with a digest of its content, and the judge is told that what is between them is data. This makes it hard
    for an output to speak to the judge as if it were the template; it cannot make it impossible. Do not let a judge's
    score alone decide where those who write the inputs gain by it, and look at the explanations of a sample.

    Args:
        name: The name of the columns.
        ask: Sends messages to a model and returns its answer; a function or a coroutine function.
        template: What the judge is asked.
        choices: The labels that it may give, and their scores; ``correct`` 1 and ``incorrect`` 0 when absent.
        scale: Instead of choices, the lowest and the highest score; whole numbers only when both are.
        repair: Ask once more, saying what was wrong, when an answer cannot be read.
        price: What a million tokens cost, in and out, for answers that tell tokens but not their cost.
        delimit: Further variables whose values are put between markers.
        max_characters: Longest output as text; a longer one is an error rather than a bill.

    Raises:
        ValidationError: The template, the choices, the scale or ``ask`` do not fit.
    """
    return LLMJudge(
        name,
        ask=ask,
        template=template,
        choices=choices,
        scale=scale,
        repair=repair,
        price=price,
        delimit=delimit,
        max_characters=max_characters,
    )


class LLMJudge(BuiltIn):
    """A language model as an evaluator; see :func:`llm_judge`.

    Attributes:
        ask: What sends messages to the model.
        template: What the judge is asked.
    """

    def __init__(
        self,
        name: str,
        *,
        ask: Ask,
        template: TemplateLike,
        choices: Mapping[str, float] | None,
        scale: tuple[float, float] | None,
        repair: bool,
        price: tuple[float, float] | None,
        delimit: Collection[str],
        max_characters: int,
    ) -> None:
        who = f"judge {name!r}"
        prompt = prompt_of(template, who=who, judged=("output",), delimited=delimit)
        super().__init__(
            name,
            prompt.fields,
            choices=choices,
            scale=scale,
            repair=repair,
            delimit=sorted(delimit),
            max_characters=max_characters,
        )
        self.ask = ask
        self.template = template
        self._prompt = prompt
        self._asker = Asker(ask, who)
        self._dialogue = Dialogue(form_of(choices, scale, who), repair=repair, price=checked_price(price, who))
        self._most = _checked_most(max_characters, who)

    @property
    def evaluate(self) -> Callable[..., Any]:
        """Judge one output; a coroutine function when ``ask`` is one."""
        return self._judged_async if self._asker.is_async else self._judged

    def _judged(self, output: object, example: DatasetExample) -> Evaluation | Awaitable[Evaluation]:
        return self._asker.drive(self._talk(output, example))

    async def _judged_async(self, output: object, example: DatasetExample) -> Evaluation:
        return await self._asker.drive_async(self._talk(output, example))

    def _talk(self, output: object, example: DatasetExample) -> Talk[Evaluation]:
        checked_length("the output", output, self._most)
        return self._dialogue.talk(self._prompt.build(values_of(example, output=output)))


def values_of(example: DatasetExample, **judged: object) -> dict[str, Any]:
    """Return what the variables of a template stand for, besides the fields of the example."""
    metadata = example.get("metadata")
    return {**judged, "example": example, "metadata": metadata if isinstance(metadata, Mapping) else {}}


def checked_length(what: str, output: object, most: int) -> None:
    """Refuse a text that is too long for a judge.

    Raises:
        ValueError: It has more than ``most`` characters.
    """
    from promptops.experiments.evaluators._text import text_of

    length = len(text_of(output))
    if length > most:
        raise ValueError(f"{what} has {length:,} characters, more than the {most:,} of max_characters")


def _checked_most(most: int, who: str) -> int:
    given: Any = most
    if not isinstance(given, int) or given < 1:
        raise ValidationError(f"max_characters of {who} must be a whole number of 1 or more, not {most!r}")
    return most
