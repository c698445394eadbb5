"""A model that compares two outputs for one example, asked in both orders so that the place decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from typing import Any, Final, Literal

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments.evaluators._asking import Ask, Asker, Dialogue, Talk, added, checked_price, with_costs
from promptops.experiments.evaluators._forms import Choices
from promptops.experiments.evaluators._judging import checked_length, values_of
from promptops.experiments.evaluators._template import Prompt, TemplateLike, prompt_of
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation

__all__ = ["PairVerdict", "PairwiseJudge", "Side", "pairwise_judge"]

Side = Literal["baseline", "candidate", "tie"]

_LONGEST_OUTPUT: Final = 100_000


class PairVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge says about two outputs for one example.

    Attributes:
        winner: Which is better; None when there is an error.
        disagreed: Whether the two orders gave different answers, which counts as a tie.
        answers: The answers, first with the baseline shown first, then with the candidate shown first; fewer when
            nothing was asked or an answer failed.
        explanation: The reasons, of both orders.
        error: Why there is no verdict.
        cost: What the calls cost; None when not known.
        usage: The tokens of the calls.
        duration_ms: How long the calls took, in milliseconds.
    """

    winner: Side | None = None
    disagreed: bool = False
    answers: tuple[Side, ...] = ()
    explanation: str | None = None
    error: str | None = None
    cost: float | None = None
    usage: Mapping[str, int] | None = None
    duration_ms: float | None = None


def pairwise_judge(
    name: str,
    *,
    ask: Ask,
    template: TemplateLike,
    ties: bool = True,
    repair: bool = True,
    price: tuple[float, float] | None = None,
    delimit: Collection[str] = ("input",),
    max_characters: int = _LONGEST_OUTPUT,
) -> PairwiseJudge:
    """Make a judge of two outputs; :func:`compare_pairwise` puts it to the rows of two experiments.

    Each pair is asked twice, with either output first. Where the two answers differ, the pair is a tie and marked as
    a disagreement; how often the first place won is reported as the position bias.

    Args:
        name: What to call the comparison.
        ask: Sends messages to a model and returns its answer, as for :func:`llm_judge`.
        template: What the judge is asked; ``{{ first }}`` and ``{{ second }}`` stand for the outputs.
        ties: Whether the judge may answer that neither is better.
        repair: Ask once more, saying what was wrong, when an answer cannot be read.
        price: What a million tokens cost, in and out, for answers that tell tokens but not their cost.
        delimit: Further variables whose values are put between markers.
        max_characters: Longest output as text; a longer one is an error rather than a bill.

    Raises:
        ValidationError: The template or ``ask`` do not fit.
    """
    who = f"judge {name!r}"
    given: Any = max_characters
    if not isinstance(given, int) or given < 1:
        raise ValidationError(f"max_characters of {who} must be a whole number of 1 or more, not {given!r}")
    labels = ("first", "second", "tie") if ties else ("first", "second")
    form = Choices(dict.fromkeys(labels, 0.0), who)
    return PairwiseJudge(
        name,
        prompt=prompt_of(template, who=who, judged=("first", "second"), delimited=delimit),
        asker=Asker(ask, who),
        dialogue=Dialogue(form, repair=repair, price=checked_price(price, who)),
        max_characters=max_characters,
    )


class PairwiseJudge:
    """A model that says which of two outputs is better; see :func:`pairwise_judge`.

    Attributes:
        name: What to call the comparison.
        is_async: Whether it has to be awaited.
    """

    def __init__(self, name: str, *, prompt: Prompt, asker: Asker, dialogue: Dialogue, max_characters: int) -> None:
        self.name = name
        self.is_async = asker.is_async
        self._prompt = prompt
        self._asker = asker
        self._dialogue = dialogue
        self._most = max_characters

    def __repr__(self) -> str:
        return f"<pairwise judge {self.name}>"

    def compare(
        self, baseline: object, candidate: object, example: DatasetExample
    ) -> PairVerdict | Awaitable[PairVerdict]:
        """Ask in both orders; the verdict, or an awaitable of it when ``ask`` is asynchronous.

        The same output twice is a tie, and nothing is asked.
        """
        talk = self._talk(baseline, candidate, example)
        return self._asker.drive_async(talk) if self.is_async else self._asker.drive(talk)

    def _talk(self, baseline: object, candidate: object, example: DatasetExample) -> Talk[PairVerdict]:
        if baseline == candidate and type(baseline) is type(candidate):
            return PairVerdict(winner="tie", explanation="both outputs are the same")
        checked_length("the output of the baseline", baseline, self._most)
        checked_length("the output of the candidate", candidate, self._most)
        spent = Evaluation()
        answers: list[Side] = []
        reasons: list[str] = []
        orders: tuple[tuple[Side, Side], ...] = (("baseline", "candidate"), ("candidate", "baseline"))
        outputs: dict[Side, object] = {"baseline": baseline, "candidate": candidate}
        for first, second in orders:
            values = values_of(example, first=outputs[first], second=outputs[second])
            found = yield from self._dialogue.talk(self._prompt.build(values))
            spent = added(spent, found)
            if found.error is not None:
                return _verdict(with_costs(found, spent), answers, reasons)
            sides: dict[str | None, Side] = {"first": first, "second": second}
            answers.append(sides.get(found.label, "tie"))
            reasons.append(f"{first} shown first: {found.explanation or 'no reason given'}")
        return _verdict(with_costs(Evaluation(), spent), answers, reasons)


def _verdict(spent: Evaluation, answers: list[Side], reasons: list[str]) -> PairVerdict:
    agreed = len(set(answers)) == 1
    return PairVerdict(
        winner=None if spent.error is not None else answers[0] if agreed else "tie",
        disagreed=spent.error is None and not agreed,
        answers=tuple(answers),
        explanation="\n".join(reasons) or None,
        error=spent.error,
        cost=spent.cost,
        usage=spent.usage,
        duration_ms=spent.duration_ms,
    )
