"""What only a Phoenix server has of runs: single runs and evaluations, what is missing, exports, web pages."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from promptops.core.errors import ConfigurationError, NotFoundError
from promptops.core.urls import quote_segment
from promptops.experiments.journal import UnitKey
from promptops.phoenix._http import fetch_json, fetch_text, path
from promptops.phoenix._ids import check_id
from promptops.phoenix.datasets._wire import resolve_dataset
from promptops.phoenix.experiments._lookup import experiment_record
from promptops.phoenix.experiments._records import ExperimentRecords
from promptops.phoenix.experiments._rows import AnnotatorKind, logged_evaluation, logged_run
from promptops.phoenix.experiments._store_upload import post_evaluation

__all__ = ["PhoenixOnlyExperiments"]


class PhoenixOnlyExperiments(ExperimentRecords):
    """The part of :class:`AsyncPhoenixExperiments` that other servers do not have."""

    async def log_run(
        self,
        *,
        experiment: str,
        example_id: str,
        output: object,
        start_time: datetime,
        end_time: datetime,
        repetition: int = 1,
        error: str | None = None,
        trace_id: str | None = None,
        dataset: str | None = None,
    ) -> str:
        """Store one run and return its id; any number of machines may do so at the same time.

        Args:
            experiment: Its id or exact name.
            example_id: The id of the example, as examples of ours have it.
            output: Any JSON value.
            start_time: When the task began, with its offset from UTC.
            end_time: When it ended.
            repetition: From 1 to as many as the experiment was made with.
            error: Why the task failed.
            trace_id: The trace of the task.
            dataset: Where to look for the name.

        Raises:
            ValidationError: Something cannot be stored, or does not belong to the experiment.
            ConflictError: A successful run with another output is stored already.
        """
        row = logged_run(
            example_id=example_id,
            output=output,
            repetition=repetition,
            start_time=start_time,
            end_time=end_time,
            error=error,
            trace_id=trace_id,
        )
        return (await self._store.upload_runs(await self._id(experiment, dataset), [row]))[0]

    async def log_evaluation(
        self,
        *,
        run_id: str,
        name: str,
        score: float | None = None,
        label: str | None = None,
        explanation: str | None = None,
        error: str | None = None,
        annotator_kind: AnnotatorKind = "CODE",
        metadata: Mapping[str, Any] | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        trace_id: str | None = None,
    ) -> str:
        """Store one evaluation of a run and return its id; one of the same name is replaced.

        Args:
            run_id: The id of the run.
            name: The name of the evaluator.
            score: A finite number.
            label: A category.
            explanation: Why, in words.
            error: What went wrong; such an evaluation counts as missing.
            annotator_kind: Who or what made it.
            metadata: Any JSON values.
            start_time: When the evaluation began, with its offset from UTC; when it ended by default.
            end_time: When it ended; now by default.
            trace_id: The trace of the evaluation.

        Raises:
            ValidationError: It says nothing, or something cannot be stored; nothing was sent.
        """
        draft = logged_evaluation(
            name=name,
            score=score,
            label=label,
            explanation=explanation,
            error=error,
            annotator_kind=annotator_kind,
            metadata=metadata,
            start_time=start_time,
            end_time=end_time,
            trace_id=trace_id,
        )
        return await post_evaluation(self._runtime, None, check_id("run_id", run_id, "ExperimentRun"), draft)

    async def incomplete_runs(
        self, *, experiment: str, dataset: str | None = None, repetitions: int | None = None
    ) -> AsyncIterator[UnitKey]:
        """Yield the examples and repetitions whose runs are missing or failed, oldest example first."""
        async for key in self._store.incomplete_runs(await self._id(experiment, dataset), repetitions=repetitions):
            yield key

    async def incomplete_evaluations(
        self, *, experiment: str, evaluators: Sequence[str], dataset: str | None = None
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        """Yield the successful runs that lack evaluations, or have failed ones, with the names of their evaluators."""
        async for item in self._store.incomplete_evaluations(await self._id(experiment, dataset), evaluators):
            yield item

    async def export_json(self, *, experiment: str, dataset: str | None = None) -> builtins.list[dict[str, Any]]:
        """Return the server's export: for each run a flat object with input, reference output, output, times and
        annotations. Numbers that are not finite, which other clients may have stored, are floats."""
        experiment_id = await self._id(experiment, dataset)
        try:
            found: list[dict[str, Any]] = await fetch_json(self._runtime, path("experiments", experiment_id, "json"))
        except NotFoundError:
            await experiment_record(self._runtime, experiment_id)
            return []
        return found

    async def export_csv(self, *, experiment: str, dataset: str | None = None) -> str:
        """Return the server's export as CSV; of an experiment without runs it is empty."""
        experiment_id = await self._id(experiment, dataset)
        try:
            return await fetch_text(self._runtime, path("experiments", experiment_id, "csv"), media="text/csv")
        except NotFoundError:
            await experiment_record(self._runtime, experiment_id)
            return ""

    async def url(self, *, experiment: str, dataset: str | None = None) -> str:
        """Return the address of the web page that shows an experiment."""
        record = await experiment_record(self._runtime, await self._id(experiment, dataset))
        return f"{self._page(record.dataset_id)}/compare?experimentId={quote_segment(record.id)}"

    async def dataset_url(self, *, dataset: str) -> str:
        """Return the address of the web page that shows the experiments of a dataset."""
        return f"{self._page(await resolve_dataset(self._runtime, dataset))}/experiments"

    def _page(self, dataset_id: str) -> str:
        if self._base_url is None:
            raise ConfigurationError("the address of the server is not known here; use the experiments of a client")
        return f"{self._base_url.rstrip('/')}/datasets/{quote_segment(dataset_id)}"
