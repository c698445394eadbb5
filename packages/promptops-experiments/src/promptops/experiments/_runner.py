"""Runs a plan: in the caller's event loop, or in blocking code with the units on the process-wide portal."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, Final

from promptops.core.bridge import drive
from promptops.core.errors import PromptOpsError
from promptops.core.log import log
from promptops.experiments._collect import Collector, UploadError
from promptops.experiments._plan import Finished, Plan
from promptops.experiments._units import Interrupted, is_interrupt, run_units

if TYPE_CHECKING:
    import anyio

__all__ = ["run_blocking", "run_in_loop"]

_SAVE_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 2.0


async def run_in_loop(plan: Plan, collector: Collector) -> None:
    """Run a plan in the running event loop and store its rows meanwhile; cancelling keeps what is finished.

    Raises:
        UploadError: Rows could not be stored.
    """
    import anyio

    changed = _Signal(anyio.Event)
    ended = False
    refused: PromptOpsError | None = None

    def emit(row: Finished) -> None:
        collector.add(row)
        changed.set()

    async def upload(scope: anyio.CancelScope) -> None:
        nonlocal refused
        while not ended:
            due = collector.due_in()
            if due is not None and due <= 0:
                try:
                    await collector.flush()
                except PromptOpsError as exc:
                    refused = exc
                    scope.cancel()
                    return
            else:
                with anyio.move_on_after(due):
                    await changed.wait()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(upload, group.cancel_scope)
            await run_units(plan, emit)
            ended = True
            changed.set()
    except BaseException as exc:
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + _SAVE_SECONDS):
            await _keep(collector)
        _end_early(exc, collector, plan)
        raise
    if refused is not None:
        raise collector.upload_error(refused) from refused
    await _store_rest(collector)


def run_blocking(plan: Plan, collector: Collector) -> None:
    """Run a plan from blocking code: units on the portal, requests in this thread; Ctrl-C keeps what is finished.

    Raises:
        UploadError: Rows could not be stored.
    """
    from promptops.core.portal import portal

    arrived: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
    # Written by the portal's thread, which no signal interrupts: what an interrupt of this thread cannot lose.
    finished: dict[int, Finished] = {}
    given_up = False

    def emit(row: Finished) -> None:
        finished[row.position] = row
        # Ctrl-C may come before the future is at hand; then the first row that is done ends the units.
        if given_up:
            raise Interrupted
        arrived.put(row)

    units: Future[None] | None = None
    try:
        units = portal().start_task_soon(run_units, plan, emit)
        units.add_done_callback(lambda _: arrived.put(None))
        _collect(collector, arrived)
        units.result()
        drive(_store_rest(collector))
    except UploadError:
        raise
    except PromptOpsError as exc:
        given_up = True
        _stop(units)
        collector.recover(list(finished.values()))
        raise collector.upload_error(exc) from exc
    except BaseException as exc:
        given_up = True
        _stop(units)
        collector.recover(list(finished.values()))
        drive(_keep(collector))
        _end_early(exc, collector, plan)
        raise


def _collect(collector: Collector, arrived: queue.SimpleQueue[Finished | None]) -> None:
    while True:
        due = collector.due_in()
        if due is not None and due <= 0:
            drive(collector.flush())
            continue
        try:
            row = arrived.get(timeout=due)
        except queue.Empty:
            continue
        if row is None:
            return
        collector.add(row)


def _stop(units: Future[None] | None) -> None:
    if units is None:
        return
    units.cancel()
    try:
        units.exception(timeout=_STOP_SECONDS)
    except (CancelledError, TimeoutError):
        return


async def _store_rest(collector: Collector) -> None:
    for tries_left in (2, 1, 0):
        try:
            await collector.flush()
        except PromptOpsError as exc:
            raise collector.upload_error(exc) from exc
        if collector.failure is None:
            return
        if not tries_left:
            raise collector.upload_error(collector.failure) from collector.failure
        await collector.pause()


async def _keep(collector: Collector) -> None:
    """Store what is finished when a run ends early; the reason for its end matters more than a failure to store."""
    try:
        await collector.flush()
    except PromptOpsError as exc:
        log().warning("experiment_rows_lost", rows=len(collector.rows) - collector.stored, error=str(exc))


def _end_early(exc: BaseException, collector: Collector, plan: Plan) -> None:
    note = f"The run ended early; {collector.stored} of its {len(plan.units)} rows are stored."
    if is_interrupt(exc):
        interrupt = KeyboardInterrupt()
        interrupt.add_note(note)
        raise interrupt from None
    exc.add_note(note)


class _Signal:
    """An event that can be waited for again and again."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._event = make()

    def set(self) -> None:
        """Wake whoever waits."""
        self._event.set()

    async def wait(self) -> None:
        """Wait for the next ``set``, or return at once when there was one since the last wait."""
        await self._event.wait()
        self._event = self._make()
