"""Projects on a real server: every operation, whatever the name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from promptops.core.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from promptops.phoenix import PhoenixClient
from promptops.phoenix._ids import global_id

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]


async def test_a_project_is_created_read_changed_and_deleted(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("project")

    made = await phoenix.projects.create(name=name, description="first")
    assert (made.name, made.description) == (name, "first")
    assert await phoenix.projects.get(project=made.id) == made
    assert await phoenix.projects.get(project=name) == made

    changed = await phoenix.projects.update(project=name, description="second")
    assert (changed.id, changed.description) == (made.id, "second")
    assert (await phoenix.projects.update(project=made.id, description="")).description == ""

    await phoenix.projects.delete(project=name)
    with pytest.raises(NotFoundError, match=name):
        await phoenix.projects.get(project=name)


@pytest.mark.parametrize("tail", ["/slash", "#hash", "?question", " ü%2F.. ", "a/b#c?d%"])
async def test_a_project_is_found_by_any_name(phoenix: PhoenixClient, unique: Unique, tail: str) -> None:
    name = unique("project") + tail
    made = await phoenix.projects.create(name=name)

    assert await phoenix.projects.get(project=name) == made
    assert (await phoenix.projects.update(project=name, description="found")).id == made.id

    await phoenix.projects.delete(project=name)
    with pytest.raises(NotFoundError):
        await phoenix.projects.get(project=name)


async def test_a_taken_name_is_a_conflict_and_not_a_server_failure(phoenix: PhoenixClient, unique: Unique) -> None:
    made = await phoenix.projects.create(name=unique("project"), description="mine")

    with pytest.raises(ConflictError, match="exist_ok") as caught:
        await phoenix.projects.create(name=made.name)
    assert caught.value.details == {"project_id": made.id}
    assert await phoenix.projects.create(name=made.name, description="other", exist_ok=True) == made


async def test_projects_are_listed_page_by_page_and_filtered_by_name(phoenix: PhoenixClient, unique: Unique) -> None:
    stem = unique("project")
    made = [await phoenix.projects.create(name=f"{stem}-{number}") for number in range(3)]

    assert await phoenix.projects.list(name_contains=stem.upper()) == made[::-1]
    assert await phoenix.projects.list(name_contains=stem, limit=2) == made[:0:-1]
    first = await phoenix.projects.list_page(name_contains=stem, limit=2)
    assert (first.items, first.has_more) == (made[:0:-1], True)
    second = await phoenix.projects.list_page(name_contains=stem, limit=2, cursor=first.next_cursor)
    assert (second.items, second.has_more) == (made[:1], False)
    found = [project.id async for project in phoenix.projects.iterate(name_contains=stem)]
    assert found == [project.id for project in made[::-1]]


async def test_the_projects_of_experiments_are_listed_on_request_alone(phoenix: PhoenixClient, unique: Unique) -> None:
    dataset = await phoenix.datasets.create(name=unique("dataset"), examples=[{"input": {"a": 1}}])
    experiment = await phoenix.experiments.create_empty(name=unique("experiment"), dataset=dataset.id)
    name = experiment.project_name
    assert name
    await phoenix.projects.create(name=name, exist_ok=True)

    assert await phoenix.projects.list(name_contains=name) == []
    assert await phoenix.projects.list(name_contains=name, evaluators=True) == []
    found = await phoenix.projects.list(name_contains=name, experiments=True)
    assert [project.name for project in found] == [name]


async def test_the_default_project_stays(phoenix: PhoenixClient) -> None:
    with pytest.raises(AuthorizationError, match="default project"):
        await phoenix.projects.delete(project="default")


async def test_a_project_has_a_retention_policy(phoenix: PhoenixClient, unique: Unique) -> None:
    made = await phoenix.projects.create(name=unique("project"))

    kept = await phoenix.projects.set_retention(project=made.name, policy_id=None)
    assert (kept.project_id, kept.policy_id) == (made.id, None)
    with pytest.raises(NotFoundError, match="policy"):
        await phoenix.projects.set_retention(
            project=made.id, policy_id=global_id("ProjectTraceRetentionPolicy", 99_999_999)
        )


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "UHJvamVjdDox"])
async def test_a_name_that_could_not_be_found_again_is_refused(phoenix: PhoenixClient, name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        await phoenix.projects.create(name=name)


async def test_an_administrator_manages_projects_of_a_server_with_keys(
    phoenix_admin: PhoenixClient, unique: Unique
) -> None:
    made = await phoenix_admin.projects.create(name=unique("project"))

    await phoenix_admin.projects.delete(project=made.name)
    with pytest.raises(NotFoundError):
        await phoenix_admin.projects.get(project=made.name)
