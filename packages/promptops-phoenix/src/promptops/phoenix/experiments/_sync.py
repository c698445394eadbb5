"""The blocking view of the experiments resource."""

from __future__ import annotations

from promptops.core.bridge import bridge, bridge_iter
from promptops.experiments._runs import SyncRuns
from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments

__all__ = ["SyncPhoenixExperiments"]


class SyncPhoenixExperiments(SyncRuns[AsyncPhoenixExperiments]):
    """Blocking view of :class:`AsyncPhoenixExperiments`."""

    create = bridge(AsyncPhoenixExperiments.create)
    create_empty = bridge(AsyncPhoenixExperiments.create_empty)
    get = bridge(AsyncPhoenixExperiments.get)
    record = bridge(AsyncPhoenixExperiments.record)
    list_page = bridge(AsyncPhoenixExperiments.list_page)
    iterate = bridge_iter(AsyncPhoenixExperiments.iterate)
    list = bridge(AsyncPhoenixExperiments.list)
    delete = bridge(AsyncPhoenixExperiments.delete)
    iterate_runs = bridge_iter(AsyncPhoenixExperiments.iterate_runs)
    runs = bridge(AsyncPhoenixExperiments.runs)
    insert_runs = bridge(AsyncPhoenixExperiments.insert_runs)
    update = bridge(AsyncPhoenixExperiments.update)
    tags = bridge(AsyncPhoenixExperiments.tags)
    set_tag = bridge(AsyncPhoenixExperiments.set_tag)
    delete_tag = bridge(AsyncPhoenixExperiments.delete_tag)
    log_run = bridge(AsyncPhoenixExperiments.log_run)
    log_evaluation = bridge(AsyncPhoenixExperiments.log_evaluation)
    incomplete_runs = bridge_iter(AsyncPhoenixExperiments.incomplete_runs)
    incomplete_evaluations = bridge_iter(AsyncPhoenixExperiments.incomplete_evaluations)
    export_json = bridge(AsyncPhoenixExperiments.export_json)
    export_csv = bridge(AsyncPhoenixExperiments.export_csv)
    url = bridge(AsyncPhoenixExperiments.url)
    dataset_url = bridge(AsyncPhoenixExperiments.dataset_url)
