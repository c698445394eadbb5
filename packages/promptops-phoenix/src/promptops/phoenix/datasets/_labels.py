"""Labels of datasets: made once on a server, put on any of its datasets."""

from __future__ import annotations

import builtins
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from msgspec import UNSET, UnsetType
from promptops.core.errors import ValidationError
from promptops.core.pagination import iterate_cursor
from promptops.experiments._resolve import not_found
from promptops.phoenix._checks import check_name, json_body, shown
from promptops.phoenix._generated import models as wire
from promptops.phoenix._http import delete, fetch, fetch_page, path, send
from promptops.phoenix._ids import is_global_id
from promptops.phoenix.datasets._models import DatasetLabel
from promptops.phoenix.datasets._reads import AsyncDatasetReads
from promptops.phoenix.datasets._wire import resolve_dataset

__all__ = ["AsyncDatasetLabels"]

_KIND: Final = "DatasetLabel"
_COLOR: Final = re.compile("#[0-9a-f]{6}")


class AsyncDatasetLabels(AsyncDatasetReads):
    """Labels: create, change, delete, and put on datasets. A label is named by its id or its exact name."""

    async def iterate_labels(self) -> AsyncIterator[DatasetLabel]:
        """Yield every label of the server."""
        async for label in iterate_cursor(self._labels_page):
            yield label

    async def list_labels(self) -> builtins.list[DatasetLabel]:
        """Return every label of the server."""
        return [label async for label in self.iterate_labels()]

    async def get_label(self, *, label: str) -> DatasetLabel:
        """Return the label of that id or exact name.

        Raises:
            NotFoundError: There is none; close names are suggested.
        """
        if is_global_id(label, _KIND):
            return (await fetch(self._runtime, path("dataset_labels", label), wire.GetDatasetLabelResponseBody)).data
        names: builtins.list[str] = []
        async for found in self.iterate_labels():
            if found.name == label:
                return found
            names.append(found.name)
        raise not_found("label", label, names)

    async def create_label(self, *, name: str, color: str = "#808080", description: str | None = None) -> DatasetLabel:
        """Create a label.

        Args:
            name: Unique on the server.
            color: ``#`` and six hexadecimal digits.
            description: What it means.

        Raises:
            ConflictError: The name is taken.
            ValidationError: The color is none.
        """
        body = {"name": check_name("name", name), "color": _color(color), "description": description}
        where = path("dataset_labels")
        return (await send(self._runtime, "POST", where, json_body(body), wire.CreateDatasetLabelResponseBody)).data

    async def update_label(
        self,
        *,
        label: str,
        name: str | UnsetType = UNSET,
        color: str | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
    ) -> DatasetLabel:
        """Change a label; what is not given stays as it is.

        Args:
            label: Its id or exact name.
            name: Another name.
            color: Another color, as for :meth:`create_label`.
            description: Another description; None removes it.

        Raises:
            ValidationError: Nothing is given, or the color is none.
            ConflictError: The name is taken.
        """
        changes: dict[str, Any] = {"name": name, "color": color, "description": description}
        body = {field: value for field, value in changes.items() if value is not UNSET}
        if not body:
            raise ValidationError("give a name, a color or a description to change")
        if "name" in body:
            check_name("name", body["name"])
        if "color" in body:
            _color(body["color"])
        where = path("dataset_labels", await self._label_id(label))
        return (
            await send(
                self._runtime, "PATCH", where, json_body(body), wire.UpdateDatasetLabelResponseBody, repeatable=True
            )
        ).data

    async def delete_label(self, *, label: str) -> None:
        """Delete a label, and take it off every dataset."""
        await delete(self._runtime, path("dataset_labels", await self._label_id(label)))

    async def labels(self, *, dataset: str) -> builtins.list[DatasetLabel]:
        """Return the labels of the dataset of that id or exact name."""
        where = path("datasets", await resolve_dataset(self._runtime, dataset), "labels")
        return (await fetch(self._runtime, where, wire.ListDatasetLabelsForDatasetResponseBody)).data

    async def set_labels(self, *, dataset: str, labels: Iterable[str]) -> builtins.list[DatasetLabel]:
        """Make these all labels of a dataset, and return them; none takes all of them off.

        Raises:
            NotFoundError: There is no such label; nothing was changed.
        """
        if isinstance(labels, str):
            raise ValidationError("labels must be a list of names or ids, not one text")
        ids = [await self._label_id(label) for label in dict.fromkeys(labels)]
        where = path("datasets", await resolve_dataset(self._runtime, dataset), "labels")
        body = json_body({"dataset_label_ids": ids})
        return (await send(self._runtime, "PUT", where, body, wire.SetDatasetLabelsForDatasetResponseBody)).data

    async def add_label(self, *, dataset: str, label: str) -> DatasetLabel:
        """Put a label on a dataset, and return it; one that it has already is fine."""
        label_id = await self._label_id(label)
        where = path("datasets", await resolve_dataset(self._runtime, dataset), "labels", label_id)
        return (await send(self._runtime, "PUT", where, None, wire.AddDatasetLabelToDatasetResponseBody)).data

    async def remove_label(self, *, dataset: str, label: str) -> None:
        """Take a label off a dataset; one that it has not got is fine."""
        label_id = await self._label_id(label)
        await delete(self._runtime, path("datasets", await resolve_dataset(self._runtime, dataset), "labels", label_id))

    async def _label_id(self, label: str) -> str:
        return label if is_global_id(label, _KIND) else (await self.get_label(label=label)).id

    async def _labels_page(self, cursor: str | None) -> Any:
        return await fetch_page(
            self._runtime,
            path("dataset_labels"),
            wire.GetDatasetLabelsResponseBody,
            limit=None,
            cursor=cursor,
        )


def _color(color: str) -> str:
    if not _COLOR.fullmatch(color):
        raise ValidationError(f"color must be # and six lower-case hexadecimal digits, not {shown(color)}")
    return color
