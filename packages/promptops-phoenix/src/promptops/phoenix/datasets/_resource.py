"""The datasets resource of a Phoenix server."""

from __future__ import annotations

from promptops.core.bridge import SyncResource, bridge, bridge_iter
from promptops.phoenix.datasets._labels import AsyncDatasetLabels
from promptops.phoenix.datasets._splits import AsyncDatasetSplits
from promptops.phoenix.datasets._writes import AsyncDatasetWrites

__all__ = ["AsyncPhoenixDatasets", "SyncPhoenixDatasets"]


class AsyncPhoenixDatasets(AsyncDatasetWrites, AsyncDatasetSplits, AsyncDatasetLabels):
    """Datasets: create, read, change and delete; their versions, splits and labels.

    A dataset is named by its id or by its exact name.
    """


class SyncPhoenixDatasets(SyncResource[AsyncPhoenixDatasets]):
    """Blocking view of :class:`AsyncPhoenixDatasets`."""

    create = bridge(AsyncPhoenixDatasets.create)
    create_rows = bridge(AsyncPhoenixDatasets.create_rows)
    append = bridge(AsyncPhoenixDatasets.append)
    append_rows = bridge(AsyncPhoenixDatasets.append_rows)
    insert = bridge(AsyncPhoenixDatasets.insert)
    update = bridge(AsyncPhoenixDatasets.update)
    upsert = bridge(AsyncPhoenixDatasets.upsert)
    plan_replace = bridge(AsyncPhoenixDatasets.plan_replace)
    replace = bridge(AsyncPhoenixDatasets.replace)
    discard_plan = bridge(AsyncPhoenixDatasets.discard_plan)
    set_schema = bridge(AsyncPhoenixDatasets.set_schema)
    get = bridge(AsyncPhoenixDatasets.get)
    list_page = bridge(AsyncPhoenixDatasets.list_page)
    iterate = bridge_iter(AsyncPhoenixDatasets.iterate)
    list = bridge(AsyncPhoenixDatasets.list)
    delete = bridge(AsyncPhoenixDatasets.delete)
    versions = bridge(AsyncPhoenixDatasets.versions)
    iterate_examples = bridge_iter(AsyncPhoenixDatasets.iterate_examples)
    examples = bridge(AsyncPhoenixDatasets.examples)
    export = bridge(AsyncPhoenixDatasets.export)
    download = bridge(AsyncPhoenixDatasets.download)
    splits = bridge(AsyncPhoenixDatasets.splits)
    assign_split = bridge(AsyncPhoenixDatasets.assign_split)
    list_splits = bridge(AsyncPhoenixDatasets.list_splits)
    create_split = bridge(AsyncPhoenixDatasets.create_split)
    update_split = bridge(AsyncPhoenixDatasets.update_split)
    delete_split = bridge(AsyncPhoenixDatasets.delete_split)
    labels = bridge(AsyncPhoenixDatasets.labels)
    set_labels = bridge(AsyncPhoenixDatasets.set_labels)
    add_label = bridge(AsyncPhoenixDatasets.add_label)
    remove_label = bridge(AsyncPhoenixDatasets.remove_label)
    iterate_labels = bridge_iter(AsyncPhoenixDatasets.iterate_labels)
    list_labels = bridge(AsyncPhoenixDatasets.list_labels)
    get_label = bridge(AsyncPhoenixDatasets.get_label)
    create_label = bridge(AsyncPhoenixDatasets.create_label)
    update_label = bridge(AsyncPhoenixDatasets.update_label)
    delete_label = bridge(AsyncPhoenixDatasets.delete_label)
