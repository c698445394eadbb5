from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.experiments import (
    JudgeAnswer,
    PairKey,
    PairwiseComparison,
    compare_pairwise,
    compare_pairwise_async,
    pairwise_judge,
)
from promptops.experiments._rate_limiter import RateLimiter
from promptops.experiments.evaluators import PairVerdict, PairwiseJudge, Side
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

TEMPLATE = "{{ input }}\nFirst:\n{{ first }}\nSecond:\n{{ second }}"

Decide = Callable[[str, str], str]


def rows(*outputs: str | None) -> list[ExperimentRun]:
    return [
        ExperimentRun(example_id=f"e{number}", output=output, error="no" if output is None else None)
        for number, output in enumerate(outputs)
    ]


def examples(count: int) -> dict[str, DatasetExample]:
    return {f"e{number}": DatasetExample(id=f"e{number}", fields={"input": "?"}) for number in range(count)}


def shown(messages: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """The two outputs that a model was shown, in their order."""
    lines = messages[1]["content"].splitlines()
    return lines[lines.index("First:") + 2], lines[lines.index("Second:") + 2]


def asks(decide: Decide, **facts: Any) -> Callable[..., JudgeAnswer]:
    def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> JudgeAnswer:
        label = decide(*shown(messages))
        return JudgeAnswer(content={"explanation": "because", "label": label}, **facts)

    return ask


def longer(first: str, second: str) -> str:
    return "tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second"


def always_first(first: str, second: str) -> str:
    return "first"


def judge(decide: Decide, **facts: Any) -> PairwiseJudge:
    return pairwise_judge("better", ask=asks(decide, **facts), template=TEMPLATE)


def compared(
    decide: Decide, baseline: Sequence[ExperimentRun], candidate: Sequence[ExperimentRun], **options: Any
) -> PairwiseComparison:
    options.setdefault("examples", examples(len(baseline)))
    return compare_pairwise(baseline, candidate, judge(decide), **options)


def test_wins_losses_and_ties_are_counted_for_the_candidate() -> None:
    found = compared(longer, rows("a", "bbb", "cc", "d"), rows("aa", "b", "CC", "dddd"))
    assert [key.example_id for key in found.wins] == ["e0", "e3"]
    assert [key.example_id for key in found.losses] == ["e1"]
    assert [key.example_id for key in found.ties] == ["e2"]
    assert (found.win_rate, found.loss_rate, found.tie_rate) == (0.5, 0.25, 0.25)
    assert found.disagreements == []


def test_each_pair_is_asked_in_both_orders() -> None:
    orders: list[tuple[str, str]] = []

    def note(first: str, second: str) -> str:
        orders.append((first, second))
        return longer(first, second)

    compared(note, rows("old"), rows("newer"))
    assert orders == [("old", "newer"), ("newer", "old")]


def test_a_judge_that_prefers_a_place_finds_only_ties_and_is_seen_through() -> None:
    found = compared(always_first, rows("a", "b", "c"), rows("x", "y", "z"))
    assert (found.win_rate, found.loss_rate, found.tie_rate) == (0, 0, 1)
    assert len(found.disagreements) == 3
    assert found.position_bias == 1.0
    second = compared(lambda first, second: "second", rows("a"), rows("x"))
    assert second.position_bias == -1.0


def test_a_fair_judge_has_no_position_bias() -> None:
    assert compared(longer, rows("a", "bbb"), rows("aa", "b")).position_bias == 0
    assert compared(longer, rows("a"), rows("b")).position_bias is None


def test_one_answer_and_one_tie_disagree() -> None:
    found = compared(lambda first, second: "second" if second == "new" else "tie", rows("old"), rows("new"))
    verdict = found.verdicts[PairKey("e0", 1)]
    assert (verdict.winner, verdict.disagreed, verdict.answers) == ("tie", True, ("candidate", "tie"))


def test_the_same_output_is_a_tie_that_costs_nothing() -> None:
    def never(first: str, second: str) -> str:
        raise AssertionError("was asked")

    found = compared(never, rows("same"), rows("same"))
    assert (found.tie_rate, found.errors, found.position_bias) == (1, {}, None)


def test_a_failed_task_is_an_error_and_no_verdict() -> None:
    found = compared(longer, rows(None, "bb", "c"), rows("a", None, "cc"))
    assert set(found.errors.values()) == {"the task of the baseline failed: no", "the task of the candidate failed: no"}
    assert (found.judged, found.win_rate) == (1, 1.0)


def test_an_answer_that_is_no_verdict_counts_in_no_rate() -> None:
    found = compared(lambda first, second: "both" if "odd" in (first, second) else "first", rows("odd"), rows("x"))
    assert found.judged == 0
    assert (found.win_rate, found.tie_rate, found.position_bias) == (None, None, None)
    assert "the judge gave no verdict" in next(iter(found.errors.values()))


def test_a_provider_that_fails_costs_no_other_pair() -> None:
    def fails(first: str, second: str) -> str:
        if "bad" in (first, second):
            raise ConnectionError("down")
        return longer(first, second)

    found = compared(fails, rows("bad", "b"), rows("xx", "bb"))
    assert found.errors == {PairKey("e0", 1): "ConnectionError: down"}
    assert found.win_rate == 1.0


def test_the_cost_of_both_orders_is_kept() -> None:
    found = compare_pairwise(
        rows("a", "b", "same"),
        rows("aa", "bb", "same"),
        judge(longer, cost=0.25, input_tokens=10, output_tokens=2),
        examples=examples(3),
    )
    assert (found.cost, found.usage) == (1.0, {"input_tokens": 40, "output_tokens": 8})
    assert found.verdicts[PairKey("e0", 1)].cost == 0.5


def test_rows_pair_by_example_and_repetition() -> None:
    def repeated(example: str, repetition: int, output: str) -> ExperimentRun:
        return ExperimentRun(example_id=example, output=output, fields={"promptops.repetition": repetition})

    found = compared(
        longer,
        [repeated("e0", 1, "a"), repeated("e0", 2, "aaaa"), repeated("e1", 1, "b")],
        [repeated("e0", 2, "aa"), repeated("e0", 1, "aa"), repeated("e2", 1, "c")],
    )
    assert {key: verdict.winner for key, verdict in found.verdicts.items()} == {
        PairKey("e0", 1): "candidate",
        PairKey("e0", 2): "baseline",
    }
    assert (found.only_in_baseline, found.only_in_candidate) == (1, 1)


def test_experiments_without_a_common_example_are_refused() -> None:
    with pytest.raises(ValidationError, match="no example in common"):
        compared(longer, rows("a"), [ExperimentRun(example_id="other", output="b")])


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"concurrency": 1.5}, {"timeout": 0}, {"timeout": -1.0}])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        compared(longer, rows("a"), rows("b"), **options)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("is_async", [False, True])
def test_no_more_pairs_are_asked_at_once_than_allowed(backend: str, is_async: bool) -> None:
    lock = threading.Lock()
    busy: list[int] = []
    most: list[int] = []

    full = threading.Event()

    def enter() -> None:
        with lock:
            busy.append(1)
            most.append(len(busy))
            if len(busy) >= 3:
                full.set()

    def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> Any:
        enter()
        full.wait(20)
        time.sleep(0.01)
        busy.pop()
        return {"explanation": "x", "label": "tie"}

    async def ask_async(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> Any:
        enter()
        await anyio.sleep(0.01)
        busy.pop()
        return {"explanation": "x", "label": "tie"}

    comparing = pairwise_judge("j", ask=ask_async if is_async else ask, template=TEMPLATE)

    async def main() -> PairwiseComparison:
        return await compare_pairwise_async(
            rows(*"abcdefghij"), rows(*"ABCDEFGHIJ"), comparing, examples=examples(10), concurrency=3
        )

    assert anyio.run(main, backend=backend).tie_rate == 1
    assert max(most) == 3


def test_a_pair_that_takes_too_long_is_an_error() -> None:
    async def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> Any:
        await anyio.sleep(30)

    slow = pairwise_judge("j", ask=ask, template=TEMPLATE)
    found = compare_pairwise(rows("a"), rows("b"), slow, examples=examples(1), timeout=0.05)
    assert next(iter(found.errors.values())) == "timed out after 0.05 s"


class RateLimitError(Exception):
    status_code = 429


def test_a_refused_call_is_made_again_and_what_was_paid_counts() -> None:
    left = [2]

    def refuses(first: str, second: str) -> str:
        if first == "bb" and left[0]:
            left[0] -= 1
            raise RateLimitError("slow down")
        return longer(first, second)

    limiter = RateLimiter()
    found = compare_pairwise(
        rows("a"), rows("bb"), judge(refuses, cost=1.0), examples=examples(1), rate_limiter=limiter
    )
    verdict = found.verdicts[PairKey("e0", 1)]
    assert (verdict.winner, verdict.cost) == ("candidate", 4.0)
    assert (limiter.state.refusals, limiter.state.in_flight) == (2, 0)


def test_calls_that_are_always_refused_end_as_an_error() -> None:
    def refuses(first: str, second: str) -> str:
        raise RateLimitError("slow down")

    found = compared(refuses, rows("a"), rows("b"), rate_limiter=RateLimiter(attempts=2))
    assert next(iter(found.errors.values())) == "RateLimitError: slow down"


def test_known_verdicts_are_taken_over_and_errors_are_asked_again() -> None:
    def asked(first: str, second: str) -> str:
        assert "a" not in (first, second)
        return longer(first, second)

    known = {
        PairKey("e0", 1): PairVerdict(winner="baseline", cost=0.5),
        PairKey("e1", 1): PairVerdict(error="down"),
        PairKey("gone", 1): PairVerdict(winner="baseline"),
    }
    told: dict[PairKey, PairVerdict] = {}
    found = compared(asked, rows("a", "b"), rows("x", "bb"), known=known, on_verdict=told.__setitem__)
    assert [verdict.winner for verdict in found.verdicts.values()] == ["baseline", "candidate"]
    assert list(told) == [PairKey("e1", 1)]


def test_an_error_of_on_verdict_is_raised_as_it_is() -> None:
    def broken(key: PairKey, verdict: PairVerdict) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        compared(longer, rows("a"), rows("bb"), on_verdict=broken)


def test_ctrl_c_within_a_judge_ends_the_comparison() -> None:
    def interrupted(first: str, second: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compared(interrupted, rows("a"), rows("bb"))
    assert compared(longer, rows("a"), rows("bb")).win_rate == 1


def test_cancelling_leaves_no_task_and_no_thread_behind() -> None:
    before = set(threading.enumerate())  # some of which may be ending
    release = threading.Event()

    def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> Any:
        release.wait(60)

    async def main() -> int:
        comparing = pairwise_judge("j", ask=ask, template=TEMPLATE)
        with anyio.move_on_after(0.1):
            await compare_pairwise_async(rows(*"abcd"), rows(*"wxyz"), comparing, examples=examples(4))
        return len(asyncio.all_tasks())

    assert anyio.run(main) == 1
    release.set()
    deadline = time.monotonic() + 30
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize("template", ["{{ first }}", "{{ second }}", "none"])
def test_a_template_must_show_both_outputs(template: str) -> None:
    with pytest.raises(ValidationError, match="would not see what it judges"):
        pairwise_judge("j", ask=asks(longer), template=template)


def test_ties_may_be_forbidden() -> None:
    schemas: list[dict[str, Any]] = []

    def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> Any:
        schemas.append(schema)
        return {"explanation": "x", "label": "tie"}

    comparing = pairwise_judge("j", ask=ask, template=TEMPLATE, ties=False, repair=False)
    found = compare_pairwise(rows("a"), rows("b"), comparing, examples=examples(1))
    assert schemas[0]["properties"]["label"]["enum"] == ["first", "second"]
    assert found.judged == 0


def test_an_output_that_is_too_long_is_an_error_of_its_pair() -> None:
    comparing = pairwise_judge("j", ask=asks(longer), template=TEMPLATE, max_characters=5)
    found = compare_pairwise(rows("a"), rows("b" * 6), comparing, examples=examples(1))
    assert "the output of the candidate has 6 characters" in next(iter(found.errors.values()))


def test_it_can_be_printed_and_stored() -> None:
    found = compared(always_first, rows("a", "b", None), rows("x", "b", "z"))
    assert str(found).splitlines() == [
        "better: candidate against baseline, 2 of 3 judged",
        "0 won (0.0%), 0 lost (0.0%), 2 tied (100.0%)",
        "1 ties are disagreements of the two orders",
        "position bias +1.00",
        "first error: the task of the baseline failed: no",
    ]
    stored = found.to_dict()
    assert (stored["ties"], stored["errors"], stored["position_bias"]) == (2, 1, 1.0)
    assert stored["verdicts"][0]["answers"] == ["baseline", "candidate"]


SIDES = st.sampled_from(["baseline", "candidate", "tie"])


@given(st.lists(st.one_of(st.none(), st.tuples(SIDES, SIDES))))
def test_rates_add_up_and_swapping_the_sides_swaps_them(answers: list[Any]) -> None:
    swapped = {"baseline": "candidate", "candidate": "baseline", "tie": "tie"}

    def comparison(pairs: list[Any]) -> PairwiseComparison:
        verdicts: dict[PairKey, PairVerdict] = {}
        for number, pair in enumerate(pairs):
            if pair is None:
                verdict = PairVerdict(error="e")
            else:
                winner: Side = pair[0] if pair[0] == pair[1] else "tie"
                verdict = PairVerdict(winner=winner, disagreed=pair[0] != pair[1], answers=pair)
            verdicts[PairKey(f"e{number}", 1)] = verdict
        return PairwiseComparison(name="j", baseline="b", candidate="c", verdicts=verdicts)

    found = comparison(answers)
    assert len(found.wins) + len(found.losses) + len(found.ties) == found.judged
    if found.judged:
        assert sum([found.win_rate or 0, found.loss_rate or 0, found.tie_rate or 0]) == pytest.approx(1)
    bias = found.position_bias
    assert bias is None or -1 <= bias <= 1
    # With the sides swapped, what was the first order becomes the second one.
    other = comparison([None if pair is None else (swapped[pair[1]], swapped[pair[0]]) for pair in answers])
    assert (found.wins, found.losses, found.ties) == (other.losses, other.wins, other.ties)
    assert other.position_bias == bias
