"""Puts the pairs of two experiments to a pairwise judge, several at once, in a loop or from blocking code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import Bound, Values
from promptops.experiments._calls import Calls, Interrupted, described, is_interrupt
from promptops.experiments._compare import ChangedExamples, check_changed_examples, paired_rows
from promptops.experiments._comparison import PairKey
from promptops.experiments._loop import call_soon
from promptops.experiments._rate_limiter import Admission, RateLimiter
from promptops.experiments._rate_signals import is_rate_limit, retry_after_of
from promptops.experiments._result import ExperimentResult
from promptops.experiments._retries import backoff
from promptops.experiments._threads import Threads
from promptops.experiments.evaluators._pairs import PairwiseComparison
from promptops.experiments.evaluators._pairwise import PairVerdict, PairwiseJudge
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["compare_pairwise", "compare_pairwise_async"]

Side = ExperimentResult | Sequence[ExperimentRun]
OnVerdict = Callable[[PairKey, PairVerdict], object]

_LONGEST_LOOK: Final = 0.25
_STOP_SECONDS: Final = 2.0


def compare_pairwise(
    baseline: Side,
    candidate: Side,
    judge: PairwiseJudge,
    *,
    examples: Mapping[str, DatasetExample] | None = None,
    changed_examples: ChangedExamples = "leave_out",
    concurrency: int = 8,
    timeout: float | None = None,
    rate_limiter: RateLimiter | None = None,
    known: Mapping[PairKey, PairVerdict] | None = None,
    on_verdict: OnVerdict | None = None,
) -> PairwiseComparison:
    """Let a judge compare the outputs of two experiments, example by example.

    A pair whose task failed on either side, and one that the judge fails on, has an error and no verdict. In
    asynchronous code await :func:`compare_pairwise_async`, which takes the same.

    Args:
        baseline: What is compared with: the result of a run, or rows.
        candidate: What is judged.
        judge: The judge, of :func:`pairwise_judge`.
        examples: The examples by id, for the variables of the template; results bring their own.
        changed_examples: ``compare`` takes pairs whose example has another content in each experiment for pairs all the
            same; the judge is asked about the baseline's. ``leave_out`` lists them in ``changed``.
        concurrency: Most pairs at once.
        timeout: Seconds for one pair, both orders together; no limit when absent.
        rate_limiter: Shared with what else calls the same provider; one of its own when absent.
        known: Verdicts of earlier calls, which are taken over; those with an error are asked again.
        on_verdict: Is told each new verdict as soon as it exists, one after another: what it stores survives Ctrl-C.

    Raises:
        ValidationError: ``concurrency``, ``timeout`` or ``changed_examples`` make no sense, or no row has a partner.
    """
    from promptops.core.portal import portal

    compared = functools.partial(
        _compared,
        baseline,
        candidate,
        judge,
        examples=examples,
        changed_examples=changed_examples,
        concurrency=concurrency,
        timeout=timeout,
        rate_limiter=rate_limiter,
        known=known,
        on_verdict=on_verdict,
    )
    future = portal().start_task_soon(compared)
    try:
        return future.result()
    except Interrupted:
        raise KeyboardInterrupt from None
    except BaseException:
        future.cancel()
        with suppress(CancelledError, TimeoutError):  # what was raised first matters more
            future.exception(timeout=_STOP_SECONDS)
        raise


async def compare_pairwise_async(
    baseline: Side,
    candidate: Side,
    judge: PairwiseJudge,
    *,
    examples: Mapping[str, DatasetExample] | None = None,
    changed_examples: ChangedExamples = "leave_out",
    concurrency: int = 8,
    timeout: float | None = None,
    rate_limiter: RateLimiter | None = None,
    known: Mapping[PairKey, PairVerdict] | None = None,
    on_verdict: OnVerdict | None = None,
) -> PairwiseComparison:
    """Do what :func:`compare_pairwise` does, in the running event loop."""
    try:
        return await _compared(
            baseline,
            candidate,
            judge,
            examples=examples,
            changed_examples=changed_examples,
            concurrency=concurrency,
            timeout=timeout,
            rate_limiter=rate_limiter,
            known=known,
            on_verdict=on_verdict,
        )
    except Interrupted:
        raise KeyboardInterrupt from None


async def _compared(
    baseline: Side,
    candidate: Side,
    judge: PairwiseJudge,
    *,
    examples: Mapping[str, DatasetExample] | None,
    changed_examples: ChangedExamples,
    concurrency: int,
    timeout: float | None,
    rate_limiter: RateLimiter | None,
    known: Mapping[PairKey, PairVerdict] | None,
    on_verdict: OnVerdict | None,
) -> PairwiseComparison:
    # Ctrl-C within a judge leaves as Interrupted: a KeyboardInterrupt would end the portal's loop for everyone.
    import anyio

    _check(concurrency, timeout)
    check_changed_examples(changed_examples)
    pairs, changed = paired_rows(baseline, candidate, changed_examples=changed_examples)
    if not pairs and changed:
        raise ValidationError(
            f"none of the {len(changed)} pairs can be judged: their examples have another content in each experiment, "
            f"such as {next(iter(changed)).example_id}; run both over one version of the dataset, or judge "
            "them all the same with changed_examples='compare'"
        )
    if not pairs:
        raise ValidationError("the two experiments have no example in common; compare runs of the same dataset")
    by_id = {**_examples(candidate), **_examples(baseline)} if examples is None else examples
    verdicts = {key: verdict for key, verdict in (known or {}).items() if key in pairs and verdict.error is None}
    waiting = iter([key for key in pairs if key not in verdicts])
    limiter = RateLimiter() if rate_limiter is None else rate_limiter
    threads = Threads(concurrency, call_soon())
    calls = Calls(threads)

    async def worker() -> None:
        for key in waiting:
            first, second = pairs[key]
            example = by_id.get(key.example_id) or DatasetExample(id=key.example_id, fields={})
            verdict = _failed(first, second)
            if verdict is None:
                ask = functools.partial(judge.compare, first.value, second.value)
                bound = Bound(call=ask, positional=("example",), keywords=(), is_async=judge.is_async)
                verdict = await _asked(calls, limiter, bound, example, timeout)
            verdicts[key] = verdict
            if on_verdict is not None:
                on_verdict(key, verdict)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(min(concurrency, len(pairs))):
                group.start_soon(worker)
    except BaseExceptionGroup as raised:
        if is_interrupt(raised):
            raise Interrupted from None
        if len(raised.exceptions) == 1:
            raise raised.exceptions[0] from None
        raise
    finally:
        threads.close()
    return PairwiseComparison(
        name=judge.name,
        baseline=_name(baseline, "baseline"),
        candidate=_name(candidate, "candidate"),
        verdicts={key: verdicts[key] for key in pairs},
        only_in_baseline=len(_rows(baseline)) - len(pairs) - len(changed),
        only_in_candidate=len(_rows(candidate)) - len(pairs) - len(changed),
        changed=list(changed),
    )


async def _asked(
    calls: Calls, limiter: RateLimiter, bound: Bound, example: DatasetExample, timeout: float | None
) -> PairVerdict:
    """Ask about one pair, again and again while the provider says that calls come too fast."""
    import anyio

    cost: float | None = None
    usage: dict[str, int] = {}
    refusals = 0
    while True:
        admission = limiter.admit()
        while not isinstance(admission, Admission):
            await anyio.sleep(min(admission, _LONGEST_LOOK))
            admission = limiter.admit()
        failure: BaseException | None = None
        tokens, ended = 0, False
        try:
            outcome = await calls.call(bound, Values(example), timeout)
            failure, ended = outcome.failure, True
            if outcome.usage is not None:
                tokens = outcome.usage.tokens
                cost = outcome.usage.cost if cost is None else cost + (outcome.usage.cost or 0.0)
                for name in ("input_tokens", "output_tokens"):
                    usage[name] = usage.get(name, 0) + getattr(outcome.usage, name)
        finally:
            refused = failure is not None and is_rate_limit(failure)
            limiter.leave(
                admission,
                refused=refused,
                failed=not ended or failure is not None,
                retry_after=retry_after_of(failure) if refused and failure is not None else None,
                tokens=tokens,
            )
        if failure is None:
            verdict = cast("PairVerdict", outcome.value)
            # Attempts that were refused half-way were paid for, too.
            return msgspec.structs.replace(verdict, cost=cost, usage=usage or None) if refusals else verdict
        refusals += refused
        if not refused or refusals >= limiter.attempts:
            return PairVerdict(error=described(failure), cost=cost, usage=usage or None)
        await anyio.sleep(backoff(min(refusals, 6), first=0.1, longest=5.0))


def _failed(first: ExperimentRun, second: ExperimentRun) -> PairVerdict | None:
    for side, row in (("baseline", first), ("candidate", second)):
        if row.error is not None:
            return PairVerdict(error=f"the task of the {side} failed: {row.error}")
    return None


def _check(concurrency: int, timeout: float | None) -> None:
    given: Any = concurrency
    if not isinstance(given, int) or given < 1:
        raise ValidationError(f"concurrency must be a whole number of 1 or more, not {concurrency!r}")
    if timeout is not None and not 0 < timeout < float("inf"):
        raise ValidationError(f"timeout must be a number of seconds above 0, not {timeout}")


def _rows(side: Side) -> Sequence[ExperimentRun]:
    return side.rows if isinstance(side, ExperimentResult) else side


def _name(side: Side, otherwise: str) -> str:
    return side.name if isinstance(side, ExperimentResult) else otherwise


def _examples(side: Side) -> Mapping[str, DatasetExample]:
    return side.examples if isinstance(side, ExperimentResult) else {}
