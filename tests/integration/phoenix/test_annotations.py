"""Annotations on a real server: stored, replaced, read and deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import (
    Annotation,
    CategoricalAnnotationConfig,
    CategoricalAnnotationConfigData,
    CategoricalAnnotationValue,
    ContinuousAnnotationConfigData,
    FreeformAnnotationConfig,
    FreeformAnnotationConfigData,
    NewAnnotation,
    NewSpan,
    UnknownTargetsError,
)

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """What can be annotated.

    Attributes:
        project: Where it is.
        session: A session.
        spans: Spans, each of a trace of its own; the first one retrieved two documents.
    """

    project: str
    session: str
    spans: list[NewSpan]


@pytest.fixture(scope="module")
def logged(phoenix_url: str) -> Iterator[Logged]:
    seed = NewSpan(name="seed").trace_id
    documents = [{"document": {"content": text}} for text in ("one", "two")]
    found = NewSpan(
        name="found",
        kind="RETRIEVER",
        session_id=f"talk-{seed}",
        attributes={"retrieval": {"documents": documents}},
    )
    spans = [found, *(NewSpan(name=f"step {number}") for number in range(2))]
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        project = f"annotations-{seed[:12]}"
        client.spans.log(project=project, spans=spans, wait=60)
        yield Logged(project=project, session=f"talk-{seed}", spans=spans)


async def test_an_annotation_comes_back_field_by_field(phoenix: PhoenixClient, logged: Logged, unique: Unique) -> None:
    name = unique("quality")
    stored = await phoenix.annotations.add(
        name=name,
        span_id=logged.spans[0].span_id,
        annotator_kind="LLM",
        label="good",
        score=0.25,
        explanation="because",
        metadata={"model": {"name": "m"}},
        identifier="judge-1",
    )

    (found,) = await phoenix.annotations.list(project=logged.project, span_ids=[logged.spans[0].span_id], names=name)

    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert found == Annotation(
        id=str(stored),
        name=name,
        span_id=logged.spans[0].span_id,
        annotator_kind="LLM",
        label="good",
        score=0.25,
        explanation="because",
        metadata={"model": {"name": "m"}},
        identifier="judge-1",
        source="API",
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


@pytest.mark.parametrize("kind", ["span", "trace", "session"])
async def test_the_same_key_replaces_and_another_identifier_adds(
    phoenix: PhoenixClient, logged: Logged, unique: Unique, kind: str
) -> None:
    name = unique("quality")
    target = {"span": logged.spans[1].span_id, "trace": logged.spans[1].trace_id, "session": logged.session}[kind]
    made = NewAnnotation(name=name, **{f"{kind}_id": target}, score=1, label="old")  # type: ignore[arg-type]
    (first,) = await phoenix.annotations.add_many(annotations=[made])

    replaced, added = await phoenix.annotations.add_many(
        annotations=[
            msgspec.structs.replace(made, score=0, label=None, annotator_kind="CODE"),
            msgspec.structs.replace(made, score=2, identifier="second"),
        ]
    )

    assert replaced == first
    assert added != first
    found = await phoenix.annotations.list(project=logged.project, **{f"{kind}_ids": [target]}, names=[name])  # type: ignore[arg-type]
    assert {(one.id, one.score, one.label, one.annotator_kind) for one in found} == {
        (first, 0.0, None, "CODE"),
        (added, 2.0, "old", "HUMAN"),
    }
    assert {getattr(one, f"{kind}_id") for one in found} == {target}


async def test_annotations_of_all_kinds_are_stored_in_one_call_in_the_order_given(
    phoenix: PhoenixClient, logged: Logged, unique: Unique
) -> None:
    name, span = unique("quality"), logged.spans[0]
    annotations = [
        NewAnnotation(name=name, session_id=logged.session, score=1),
        NewAnnotation(name=name, span_id=span.span_id, score=2),
        NewAnnotation(name=name, span_id=span.span_id, document_position=1, score=3),
        NewAnnotation(name=name, trace_id=span.trace_id, score=4),
        NewAnnotation(name=name, span_id=logged.spans[1].span_id, score=5),
        NewAnnotation(name=name, span_id=span.span_id, document_position=0, score=6),
    ]

    ids = await phoenix.annotations.add_many(annotations=annotations)

    assert len(set(ids)) == 6
    assert await phoenix.annotations.add_many(annotations=annotations) == ids
    spans = [span.span_id for span in logged.spans]
    found = await phoenix.annotations.list(project=logged.project, span_ids=spans, names=name)
    assert {one.id: one.score for one in found} == {ids[1]: 2.0, ids[4]: 5.0}
    (of_trace,) = await phoenix.annotations.list(project=logged.project, trace_ids=[span.trace_id], names=name)
    (of_session,) = await phoenix.annotations.list(project=logged.project, session_ids=[logged.session], names=name)
    assert [of_trace.id, of_session.id] == [ids[3], ids[0]]


async def test_unknown_targets_are_named_and_nothing_is_stored(
    phoenix: PhoenixClient, logged: Logged, unique: Unique
) -> None:
    name, known = unique("quality"), logged.spans[1].span_id
    unknown = [f"{number:015x}f" for number in range(1, 41)]
    annotations = [NewAnnotation(name=name, span_id=span_id, score=1) for span_id in [known, *unknown]]

    with pytest.raises(UnknownTargetsError) as caught:
        await phoenix.annotations.add_many(annotations=annotations)

    assert caught.value.targets == unknown
    assert (caught.value.stored, caught.value.details["stored"]) == ([], 0)
    assert await phoenix.annotations.list(project=logged.project, span_ids=[known], names=name) == []
    for target in ({"trace_id": "f" * 32}, {"session_id": name}):
        with pytest.raises(UnknownTargetsError) as caught:
            await phoenix.annotations.add(name=name, score=1, **target)  # type: ignore[arg-type]
        assert caught.value.targets == list(target.values())


async def test_a_document_that_a_span_has_not_got_is_refused(phoenix: PhoenixClient, logged: Logged) -> None:
    with pytest.raises(ValidationError, match="out of bounds"):
        await phoenix.annotations.add(name="relevance", span_id=logged.spans[0].span_id, document_position=2, score=1)


async def test_without_sync_annotations_are_stored_later_and_unknown_targets_are_lost(
    phoenix: PhoenixClient, logged: Logged, unique: Unique
) -> None:
    name, span_id = unique("quality"), logged.spans[1].span_id

    stored = await phoenix.annotations.add(name=name, span_id=span_id, score=1, sync=False)
    assert stored is None
    assert await phoenix.annotations.add(name=name, span_id="f" * 16, score=1, sync=False) is None

    deadline = time.monotonic() + 60
    while not (found := await phoenix.annotations.list(project=logged.project, span_ids=[span_id], names=name)):
        assert time.monotonic() < deadline
    assert [one.score for one in found] == [1.0]


async def test_annotations_are_chosen_by_name_and_identifier_and_notes_on_request(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    project, span = unique("annotations"), NewSpan(name="x")
    await phoenix.spans.log(project=project, spans=[span], wait=60)
    await phoenix.annotations.add_many(
        annotations=[
            NewAnnotation(name="a", span_id=span.span_id, score=1),
            NewAnnotation(name="b", span_id=span.span_id, score=1),
            NewAnnotation(name="b", span_id=span.span_id, score=1, identifier="second"),
        ]
    )
    await phoenix.spans.add_note(span_id=span.span_id, note="hello")

    async def names(**which: object) -> list[str]:
        found = phoenix.annotations.iterate(project=project, span_ids=[span.span_id], **which)  # type: ignore[arg-type]
        return sorted([one.name + one.identifier[:6] async for one in found])

    assert await names() == ["a", "b", "bsecond"]
    assert await names(notes=True) == ["a", "b", "bsecond", "noteprompt"]
    assert await names(names="note") == ["noteprompt"]
    assert await names(names=["a", "b"], exclude_names="b") == ["a"]
    assert await names(exclude_names="a") == ["b", "bsecond"]
    assert await names(identifiers=["second"]) == ["bsecond"]
    assert len(await names(limit=2)) == 2
    many = [*(f"{number:016x}" for number in range(1, 250)), span.span_id]
    assert len(await phoenix.annotations.list(project=project, span_ids=many)) == 3
    assert await phoenix.annotations.list(project=project, span_ids=[]) == []
    assert await phoenix.annotations.list(project=project, span_ids=["f" * 16]) == []
    with pytest.raises(NotFoundError):
        await phoenix.annotations.list(project=unique("nothing"), span_ids=["f" * 16])


async def test_annotations_are_deleted_when_it_is_said_which(phoenix: PhoenixClient, unique: Unique) -> None:
    project, span = unique("annotations"), NewSpan(name="x", session_id=unique("talk"))
    await phoenix.spans.log(project=project, spans=[span], wait=60)
    targets = ({"span_id": span.span_id}, {"trace_id": span.trace_id}, {"session_id": span.session_id})
    await phoenix.annotations.add_many(
        annotations=[
            NewAnnotation(name=name, score=1, annotator_kind=kind, **target)  # type: ignore[arg-type]
            for target in targets
            for name, kind in (("a", "CODE"), ("b", "CODE"), ("c", "HUMAN"))
        ]
    )

    async def left() -> list[str]:
        spans = await phoenix.annotations.list(project=project, span_ids=[span.span_id])
        traces = await phoenix.annotations.list(project=project, trace_ids=[span.trace_id])
        sessions = await phoenix.annotations.list(project=project, session_ids=[str(span.session_id)])
        return ["".join(sorted(one.name for one in kind)) for kind in (spans, traces, sessions)]

    now = datetime.now(UTC)
    with pytest.raises(ValidationError, match="delete_all"):
        await phoenix.annotations.delete(project=project, target="span", name="a")
    assert await left() == ["abc", "abc", "abc"]
    await phoenix.annotations.delete(project=project, target="span", name="a", delete_all=True)
    await phoenix.annotations.delete(project=project, target="trace", annotator_kind="HUMAN", delete_all=True)
    await phoenix.annotations.delete(
        project=project, target="session", start_time=now - timedelta(days=2), end_time=now - timedelta(days=1)
    )
    assert await left() == ["bc", "ab", "abc"]
    await phoenix.annotations.delete(
        project=project, target="session", start_time=now - timedelta(days=1), end_time=now + timedelta(days=1)
    )
    await phoenix.annotations.delete(project=project, target="span", identifier="nobody", delete_all=True)
    await phoenix.annotations.delete(project=project, target="trace", delete_all=True)
    assert await left() == ["bc", "", ""]


async def test_configurations_are_created_read_changed_and_deleted(phoenix: PhoenixClient, unique: Unique) -> None:
    configs, name = phoenix.annotations.configs, unique("config")
    values = [CategoricalAnnotationValue(label="good", score=1), CategoricalAnnotationValue(label="bad", score=0)]
    data = CategoricalAnnotationConfigData(name=name, optimization_direction="MAXIMIZE", values=values)

    made = await configs.create(config=data)
    assert isinstance(made, CategoricalAnnotationConfig)
    assert (made.name, made.values) == (name, values)
    assert await configs.get(config=name) == made
    assert await configs.get(config=made.id) == made
    assert made in await configs.list()
    assert made in [config async for config in configs.iterate()]
    with pytest.raises(ConflictError):
        await configs.create(config=data)

    changed = await configs.update(config=name, to=FreeformAnnotationConfigData(name=f"{name}/2"))
    assert isinstance(changed, FreeformAnnotationConfig)
    assert await configs.get(config=f"{name}/2") == changed

    await configs.delete(config=f"{name}/2")
    with pytest.raises(NotFoundError):
        await configs.get(config=f"{name}/2")
    with pytest.raises(NotFoundError):
        await configs.delete(config=changed.id)


async def test_configurations_are_assigned_to_projects(phoenix: PhoenixClient, unique: Unique) -> None:
    configs = phoenix.annotations.configs
    project = await phoenix.projects.create(name=unique("annotations"))
    names = [unique("config"), unique("config") + "/a"]
    made = [
        await configs.create(
            config=ContinuousAnnotationConfigData(
                name=name, optimization_direction="NONE", lower_bound=0.0, upper_bound=1.0
            )
        )
        for name in names
    ]

    for name in names:
        await configs.assign(project=project.name, config=name)
        await configs.assign(project=project.name, config=name)
    assert {repr(one) for one in await configs.list(project=project.id)} == {repr(one) for one in made}
    for name in names:
        await configs.unassign(project=project.name, config=name)
        await configs.unassign(project=project.name, config=name)
    assert await configs.list(project=project.name) == []

    ids = [str(getattr(made[0], "id", ""))]
    assert await configs.set_assigned(project=project.name, config_ids=ids) == made[:1]
    assert await configs.set_assigned(project=project.name, config_ids=[]) == []
    for name in names:
        await configs.delete(config=name)


async def test_what_the_server_could_not_keep_apart_is_refused(phoenix: PhoenixClient, logged: Logged) -> None:
    span_id = logged.spans[0].span_id
    with pytest.raises(ValidationError, match="replace"):
        await phoenix.annotations.add_many(
            annotations=[NewAnnotation(name="a", span_id=span_id, score=score) for score in (1, 2)]
        )
    with pytest.raises(ValidationError, match="reserved"):
        await phoenix.annotations.configs.create(config=FreeformAnnotationConfigData(name="note"))
