"""The tests of a store of datasets."""

from __future__ import annotations

import pytest
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments.stores import DatasetStore
from promptops.experiments.testing._given import AWKWARD, check_refused, everything, unique

__all__ = ["DatasetStoreConformance"]


class DatasetStoreConformance:
    """Inherit it as ``class TestMine(DatasetStoreConformance)`` and give it an async fixture ``datasets``."""

    pytestmark = pytest.mark.anyio

    async def test_examples_come_back_as_they_were_in_their_order(self, datasets: DatasetStore) -> None:
        """Any JSON is kept, and each example gets an id of its own."""
        dataset = await datasets.create(unique("awkward"), AWKWARD)
        found = await everything(datasets.examples(dataset.id))
        assert [dict(example.fields) for example in found] == AWKWARD
        assert len({example.id for example in found}) == len(AWKWARD)

    async def test_dataset_is_found_by_id_and_by_name(self, datasets: DatasetStore) -> None:
        """Both name the same dataset."""
        name = unique("named")
        dataset = await datasets.create(name, AWKWARD)
        assert (await datasets.get(dataset.id)).name == name
        assert (await datasets.get(name)).id == dataset.id

    async def test_name_is_taken_once(self, datasets: DatasetStore) -> None:
        """The first dataset stays as it is."""
        dataset = await datasets.create(unique("taken"), AWKWARD)
        with pytest.raises(ConflictError):
            await datasets.create(dataset.name, [{"other": 1}])
        assert len(await everything(datasets.examples(dataset.id))) == len(AWKWARD)

    async def test_dataset_without_examples_is_refused(self, datasets: DatasetStore) -> None:
        """An empty dataset would run nothing."""
        with pytest.raises(ValidationError):
            await datasets.create(unique("empty"), [])

    async def test_absent_dataset_is_not_found(self, datasets: DatasetStore) -> None:
        """Its name is in the message."""
        name = unique("absent")
        with pytest.raises(NotFoundError, match=name):
            await datasets.get(name)

    async def test_every_dataset_is_listed(self, datasets: DatasetStore) -> None:
        """The newest comes first."""
        first = await datasets.create(unique("first"), AWKWARD)
        second = await datasets.create(unique("second"), AWKWARD)
        ids = [dataset.id async for dataset in datasets.iterate()]
        assert ids.index(second.id) < ids.index(first.id)

    async def test_more_examples_than_one_page_keep_their_order(self, datasets: DatasetStore) -> None:
        """Pages join without a gap or a repetition."""
        dataset = await datasets.create(unique("many"), ({"number": number} for number in range(1201)))
        assert [example["number"] async for example in datasets.examples(dataset.id)] == list(range(1201))

    async def test_appended_examples_follow_the_others(self, datasets: DatasetStore) -> None:
        """Their ids come back in the order given."""
        dataset = await datasets.create(unique("append"), AWKWARD)
        if not datasets.capabilities.can("append_examples"):
            await check_refused(datasets, "append_examples", datasets.append(dataset.id, [{"number": 1}]))
            return
        ids = await datasets.append(dataset.id, [{"number": 1}, {"number": 2}])
        found = await everything(datasets.examples(dataset.id))
        assert [example.id for example in found[-2:]] == ids
        assert [example.get("number") for example in found[-2:]] == [1, 2]
        assert len(found) == len(AWKWARD) + 2

    async def test_latest_version_is_the_first(self, datasets: DatasetStore) -> None:
        """Its examples are those that come without a version."""
        dataset = await datasets.create(unique("versions"), AWKWARD)
        if not datasets.capabilities.can("versions"):
            assert not (await datasets.get(dataset.id)).versions
            return
        latest = (await datasets.get(dataset.id)).versions[0]
        assert await everything(datasets.examples(dataset.id, version=latest.id)) == await everything(
            datasets.examples(dataset.id)
        )

    async def test_version_before_an_append_stays_as_it_was(self, datasets: DatasetStore) -> None:
        """A store that does not keep snapshots may show the appended examples in it."""
        if not {"versions", "append_examples"} <= datasets.capabilities.features:
            return
        dataset = await datasets.create(unique("snapshot"), AWKWARD)
        before = (await datasets.get(dataset.id)).versions[0]
        await datasets.append(dataset.id, [{"number": 1}])
        seen = len(await everything(datasets.examples(dataset.id, version=before.id)))
        assert seen == len(AWKWARD) + (not datasets.capabilities.can("snapshots"))

    async def test_examples_of_a_split_come_alone(self, datasets: DatasetStore) -> None:
        """They name it in their field ``split``; of a split that is not there, there are none."""
        first, second = unique("first"), unique("second")
        given = [{"number": number, "split": first if number % 2 else second} for number in range(5)]
        dataset = await datasets.create(unique("splits"), given)
        found = await everything(datasets.examples(dataset.id, split=first))
        assert [example.get("number") for example in found] == [1, 3]
        assert await everything(datasets.examples(dataset.id, split=unique("absent"))) == []

    async def test_deleted_dataset_is_gone(self, datasets: DatasetStore) -> None:
        """Its name is free again."""
        dataset = await datasets.create(unique("deleted"), AWKWARD)
        if not datasets.capabilities.can("delete_dataset"):
            await check_refused(datasets, "delete_dataset", datasets.delete(dataset.id))
            return
        await datasets.delete(dataset.id)
        with pytest.raises(NotFoundError):
            await datasets.get(dataset.name)
        # Some servers give the id away again, at once and to anybody.
        again = await datasets.create(dataset.name, [{"number": 1}])
        assert [example.get("number") for example in await everything(datasets.examples(again.id))] == [1]
