"""The tests that every store of prompts inherits; needs pytest with the anyio plugin.

What a store declares in its capabilities is tested; what it does not declare must be refused by name.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from promptops.core.errors import (
    ConflictError,
    NotFoundError,
    PromptNotFoundError,
    UnsupportedOperation,
)
from promptops.core.pagination import OffsetPage
from promptops.models import (
    ChatMessage,
    ModelSettings,
    PromptCreate,
    PromptLabelMove,
    PromptResponse,
    PromptUpdate,
    RenderRequest,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
)
from promptops.prompts.render import render_prompt
from promptops.prompts.stores import SORT_ORDERS, Feature, PromptQuery, PromptStore, SortBy

__all__ = ["PromptStoreConformance", "PutPrompt"]

PutPrompt: TypeAlias = Callable[[PromptCreate], Awaitable[PromptResponse]]
"""Puts a new prompt into the store, and returns it as the store has it."""

_NOWHERE = "999999.0.0"
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "größte ☃"}},
    "required": ["city"],
    "additionalProperties": False,
}
_TOOL = ToolDefinition(name="weather", description="Tells the weather.", parameters=_SCHEMA)
_FORMAT = ResponseFormat(type="json_schema", name="answer", schema=_SCHEMA, strict=True)
_SETTINGS = ModelSettings(provider="openai", model="gpt-4o", temperature=0.25, max_tokens=64, stop=["END"])
_CHAT = [
    ChatMessage(role="system", content="Be {{ mood }}."),
    ChatMessage(role="user", content=[TextPart(text="Say {{ thing }}."), TextPart(text="Twice.")]),
    ChatMessage(role="assistant", content=[ToolCallPart(id="call-1", name="weather", arguments={"city": "Bern"})]),
    ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="call-1", content="sunny")]),
]
_AWKWARD = (
    "snow ☃ and 🜁 and e\u0301",
    " blanks before\n\n\tand after \n",
    "quotes \" ' ` and \\ and \\n and </script>",
    "{ } % $x ${y} {single} }} {%raw%}",
    "line\r\nline\rline\u2028line",
    "x" * 20_000,
)


def _name(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:12]}"


def _text(name: str, content: str = "Hello {{ who }}!", **fields: Any) -> PromptCreate:
    return PromptCreate(name=name, slug=name, content=content, **fields)


def _chat(name: str, **fields: Any) -> PromptCreate:
    return PromptCreate(name=name, slug=name, messages=_CHAT, **fields)


async def _get(
    prompts: PromptStore, name: str, *, version: str | None = None, label: str | None = None
) -> PromptResponse:
    found = await prompts.get(name, version=version, label=label, project=None, fresh=False, timeout=None)
    assert found is not None
    return found


async def _update(prompts: PromptStore, name: str, *, if_match: str | None = None, **changes: Any) -> PromptResponse:
    return await prompts.update(name, PromptUpdate(**changes), if_match=if_match, timeout=None)


async def _delete(prompts: PromptStore, name: str, *, version: str | None = None, force: bool = False) -> None:
    await prompts.delete(name, version=version, project=None, force=force, timeout=None)


async def _versions(prompts: PromptStore, name: str) -> list[str]:
    page = await prompts.versions_page(name, project=None, limit=100, offset=0, timeout=None)
    return [prompt.version for prompt in page.items]


def _said(prompt: PromptResponse | PromptCreate) -> list[tuple[str, Any]]:
    """Who says what in a chat."""
    return [(message.role, message.content) for message in prompt.messages or ()]


class PromptStoreConformance:
    """Inherit it as ``class TestMine(PromptStoreConformance)`` and give it an async fixture ``prompts``.

    A store that cannot write overrides the fixture ``put``. The names of prompts are lower-case letters, digits and
    ``-``.
    """

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def put(self, prompts: PromptStore) -> PutPrompt:
        """Puts a prompt into the store."""

        async def create(prompt: PromptCreate) -> PromptResponse:
            return await prompts.create(prompt, timeout=None)

        return create

    async def test_prompt_comes_back_as_it_was_put(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Its text, its format, its description and its free facts, and it renders."""
        facts = {"team": "☃", "nested": {"list": [1, 2.5, None, True]}}
        made = await put(_text(_name("text"), description="what it is for ☃", metadata=facts))
        found = await _get(prompts, made.slug)
        assert found == made
        assert (found.content, found.messages, found.template_format) == ("Hello {{ who }}!", None, "mustache")
        assert (found.description, found.metadata) == ("what it is for ☃", facts)
        assert found.variables == ["who"]
        assert render_prompt(found, {"who": "{{ who }}"}).content == "Hello {{ who }}!"

    async def test_chat_comes_back_with_parts_tools_format_and_settings(
        self, prompts: PromptStore, put: PutPrompt
    ) -> None:
        """Field by field."""
        choice = ToolChoice(type="tool", name="weather")
        written = _chat(
            _name("chat"), tools=[_TOOL], tool_choice=choice, response_format=_FORMAT, model_settings=_SETTINGS
        )
        found = await _get(prompts, (await put(written)).slug)
        assert _said(found) == _said(written)
        assert (found.tools, found.tool_choice, found.response_format) == ([_TOOL], choice, _FORMAT)
        assert found.model_settings == _SETTINGS

    @pytest.mark.parametrize("template_format", ["none", "f-string"])
    async def test_other_formats_come_back(self, prompts: PromptStore, put: PutPrompt, template_format: Any) -> None:
        """What stands in braces means what the format says."""
        made = await put(_text(_name("format"), "{{a}} {b}", template_format=template_format))
        found = await _get(prompts, made.slug)
        assert (found.template_format, found.content) == (template_format, "{{a}} {b}")

    @pytest.mark.parametrize("text", _AWKWARD, ids=range(len(_AWKWARD)))
    async def test_awkward_text_comes_back_to_the_letter(self, prompts: PromptStore, put: PutPrompt, text: str) -> None:
        """Every letter, blank and line end."""
        made = await put(_text(_name("awkward"), text, template_format="none"))
        found = await _get(prompts, made.slug)
        assert (found.content, found.messages) == (text, None)

    async def test_prompt_is_found_by_slug_and_by_id(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Both name the same prompt."""
        made = await put(_text(_name("named")))
        assert (await _get(prompts, made.id)).slug == made.slug
        assert (await _get(prompts, made.slug)).id == made.id

    async def test_absent_prompt_is_not_found(self, prompts: PromptStore) -> None:
        """Its name is in the error; everything that needs a prompt says so."""
        name = _name("absent")
        calls: list[Awaitable[Any]] = [
            _get(prompts, name),
            prompts.versions_page(name, project=None, limit=10, offset=0, timeout=None),
        ]
        if prompts.capabilities.can("write_prompts"):
            calls += [_update(prompts, name, content="x"), _delete(prompts, name), _delete(prompts, name, force=True)]
        if prompts.capabilities.can("labels"):
            calls.append(prompts.labels(name, project=None, timeout=None))
        for call in calls:
            with pytest.raises(PromptNotFoundError, match=name) as caught:
                await call
            assert caught.value.prompt_id == name

    async def test_version_is_found_by_its_number(self, prompts: PromptStore, put: PutPrompt) -> None:
        """And none by a number that the prompt does not have."""
        made = await put(_text(_name("numbered")))
        assert (await _get(prompts, made.slug, version=made.version)).content == made.content
        for absent in (_NOWHERE, "0.0.1"):
            with pytest.raises(PromptNotFoundError, match=made.slug):
                await _get(prompts, made.slug, version=absent)

    async def test_versions_end(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Behind the last one there is nothing, and their number is told all the same."""
        made = await put(_text(_name("ending")))
        for offset, expected in ((0, [made.version]), (1, []), (7, [])):
            page = await prompts.versions_page(made.slug, project=None, limit=1, offset=offset, timeout=None)
            assert ([prompt.version for prompt in page.items], page.total, page.has_more) == (expected, 1, False)

    async def test_version_of_another_prompt_is_not_returned(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Wherever a store takes its numbers from, they belong to a prompt."""
        if not prompts.capabilities.can("write_prompts"):
            return
        one, other = await put(_text(_name("one"))), await put(_text(_name("other")))
        changed = await _update(prompts, one.slug, content="Bye {{ who }}!")
        with pytest.raises(PromptNotFoundError):
            await _get(prompts, other.slug, version=changed.version)

    async def test_etag_that_holds_says_so_or_answers_in_full(self, prompts: PromptStore, put: PutPrompt) -> None:
        """One that does not hold always gets the prompt."""
        made = await put(_text(_name("etag")))
        arguments: dict[str, Any] = {
            "version": None,
            "label": None,
            "project": None,
            "fresh": True,
            "timeout": None,
        }
        holding = await prompts.get(made.slug, etag=made.etag, **arguments)
        assert holding is None or holding.content == made.content
        other = await prompts.get(made.slug, etag="other", **arguments)
        assert other is not None
        assert other.content == made.content

    async def test_many_prompts_come_with_what_could_not_be_had(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Under the names that were asked for."""
        one, other, absent = await put(_text(_name("a"))), await put(_text(_name("b"))), _name("absent")
        batch = await prompts.get_many(
            [other.slug, absent, one.slug],
            versions={one.slug: one.version},
            labels={},
            project=None,
            fresh=False,
            timeout=None,
        )
        assert {name: prompt.slug for name, prompt in batch.prompts.items()} == {
            other.slug: other.slug,
            one.slug: one.slug,
        }
        assert [(error.prompt_id, error.code) for error in batch.errors] == [(absent, "PROMPT_NOT_FOUND")]

    async def test_prompts_are_listed_in_every_order(self, prompts: PromptStore, put: PutPrompt) -> None:
        """By name, by age, by what changed last, by version; up and down."""
        token = uuid.uuid4().hex
        names = [f"{letter}-{token}" for letter in "bca"]
        for name in names:
            await put(_text(name, f"Hello {{{{ who }}}}, this is {name}!"))

        async def check(sort_by: SortBy, expected: Sequence[str]) -> list[PromptResponse]:
            up, down = [await _listed(prompts, query=token, sort_by=sort_by, sort_order=order) for order in SORT_ORDERS]
            assert [prompt.slug for prompt in up.items] == list(expected)
            assert [prompt.slug for prompt in down.items] == list(expected)[::-1]
            return up.items

        await check("name", sorted(names))
        found = await check("created_at", names)
        if prompts.capabilities.can("write_prompts"):
            for changed in (names[0], names[0], names[1]):
                await _update(prompts, changed, content=f"newer {uuid.uuid4().hex}")
            found = await check("updated_at", [names[2], names[0], names[1]])
        else:
            await check("updated_at", names)
        assert len({prompt.version for prompt in found}) == len(names)
        await check("version", [prompt.slug for prompt in sorted(found, key=_rank)])

    async def test_pages_join_without_a_gap_and_end(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Every prompt is on one of them; behind the last one there is nothing."""
        token = uuid.uuid4().hex
        names = [(await put(_text(f"{letter}-{token}"))).slug for letter in "bdaec"]
        for order, expected in (("asc", sorted(names)), ("desc", sorted(names)[::-1])):
            walked: list[str] = []
            for offset in (0, 2, 4, 5, 9):
                page = await _listed(prompts, query=token, sort_by="name", sort_order=order, limit=2, offset=offset)
                walked += [prompt.slug for prompt in page.items]
                assert (page.total, page.limit, page.offset) == (5, 2, offset)
                assert page.has_more is (offset + len(page.items) < 5 and bool(page.items))
            assert walked == expected

    async def test_search_finds_text_wherever_the_store_looks(self, prompts: PromptStore, put: PutPrompt) -> None:
        """In names and descriptions, large letters like small ones, and in contents where it says so."""
        word = f"w{uuid.uuid4().hex}"
        named = await put(_text(f"a-{word}-b"))
        described = await put(_text(_name("described"), description=f"About {word}."))
        saying = await put(_text(_name("saying"), f"Say {word}: {{{{ who }}}}"))
        expected = {named.slug, described.slug}
        if prompts.capabilities.can("search_content"):
            expected.add(saying.slug)
        for text in (word, word[3:-3], word.upper()):
            page = await _listed(prompts, query=text)
            assert {prompt.slug for prompt in page.items} == expected
            assert page.total == len(expected)
        for pattern in (f"{word[:9]}%{word[-9:]}", f"{word[:-1]}_", f"{word}*", f"{word}x"):
            assert (await _listed(prompts, query=pattern)).total == 0

    async def test_new_prompt_is_among_the_first_of_the_list(self, prompts: PromptStore, put: PutPrompt) -> None:
        """The latest version of each."""
        made = await put(_text(_name("listed")))
        page = await _listed(prompts, limit=50)
        assert [prompt.content for prompt in page.items if prompt.slug == made.slug] == [made.content]
        assert page.total >= len(page.items)

    async def test_modules_and_tags_find_prompts_or_are_refused(self, prompts: PromptStore, put: PutPrompt) -> None:
        """A filter that a store ignored would list too much."""
        name = _name("found")
        filters: Sequence[tuple[Feature, dict[str, Any], dict[str, Any]]] = (
            ("modules", {"module_id": name}, {"module_id": name}),
            ("tags", {"tags": (name,)}, {"tags": [name, "other"]}),
        )
        for feature, wanted, written in filters:
            listing = prompts.list_page(PromptQuery(**wanted), timeout=None)
            if not prompts.capabilities.can(feature):
                await _refused(prompts, feature, listing)
                continue
            assert (await listing).items == []
            made = await put(_text(_name("other"), **written))
            page = await _listed(prompts, **wanted)
            assert [prompt.slug for prompt in page.items] == [made.slug]

    async def test_taken_name_is_a_conflict_and_changes_nothing(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Or the store cannot create at all."""
        made = await put(_text(_name("taken")))
        again = prompts.create(_text(made.slug, "something else"), timeout=None)
        if not prompts.capabilities.can("write_prompts"):
            await _refused(prompts, "write_prompts", again)
            return
        with pytest.raises(ConflictError, match=made.slug):
            await again
        assert await _versions(prompts, made.slug) == [made.version]
        assert (await _get(prompts, made.slug)).content == made.content

    async def test_update_makes_a_version_and_the_old_one_stays(self, prompts: PromptStore, put: PutPrompt) -> None:
        """What is not given is as before."""
        made = await put(_chat(_name("update"), tools=[_TOOL], model_settings=_SETTINGS, description="first"))
        change = _update(prompts, made.slug, description="second ☃")
        if not prompts.capabilities.can("write_prompts"):
            await _refused(prompts, "write_prompts", change)
            return
        changed = await change
        assert changed.version != made.version
        assert changed.description == "second ☃"
        assert (changed.tools, changed.model_settings, _said(changed)) == (made.tools, made.model_settings, _said(made))
        again = await _update(prompts, made.slug, messages=_CHAT[:2], tools=[])
        assert (again.tools, _said(again), again.description) == ([], _said(made)[:2], "second ☃")
        versions = [again.version, changed.version, made.version]
        assert await _versions(prompts, made.slug) == versions
        assert (await _get(prompts, made.slug)).version == again.version
        assert (await _get(prompts, made.slug, version=made.version)).description == "first"
        page = await prompts.versions_page(made.slug, project=None, limit=1, offset=1, timeout=None)
        assert [prompt.version for prompt in page.items] == versions[1:2]
        assert (page.total, page.has_more) == (3, True)
        page = await prompts.versions_page(made.slug, project=None, limit=2, offset=2, timeout=None)
        assert ([prompt.version for prompt in page.items], page.total, page.has_more) == (versions[2:], 3, False)

    async def test_update_of_what_was_not_read_is_a_conflict(self, prompts: PromptStore, put: PutPrompt) -> None:
        """The etag of the latest version is accepted."""
        made = await put(_text(_name("match")))
        if not prompts.capabilities.can("write_prompts"):
            return
        changed = await _update(prompts, made.slug, if_match=made.etag, content="newer")
        with pytest.raises(ConflictError):
            await _update(prompts, made.slug, if_match=made.etag, content="newest")
        assert await _versions(prompts, made.slug) == [changed.version, made.version]

    async def test_number_of_a_version_is_chosen_or_refused(self, prompts: PromptStore, put: PutPrompt) -> None:
        """A number that a store ignored would be missed later."""
        made = await put(_text(_name("chosen")))
        if not prompts.capabilities.can("write_prompts"):
            return
        change = _update(prompts, made.slug, content="newer", version="7.1.0")
        if not prompts.capabilities.can("choose_versions"):
            await _refused(prompts, "choose_versions", change)
            other = prompts.create(_text(_name("other"), version="7.1.0"), timeout=None)
            await _refused(prompts, "choose_versions", other)
            return
        assert (await change).version == "7.1.0"
        assert (await _update(prompts, made.slug, content="newest", bump="minor")).version == "7.2.0"

    async def test_version_is_edited_or_that_is_refused(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Its number stays."""
        made = await put(_text(_name("edited")))
        if not prompts.capabilities.can("write_prompts"):
            return
        change = _update(prompts, made.slug, create_new_version=False, version=made.version, content="edited")
        if not prompts.capabilities.can("edit_versions"):
            await _refused(prompts, "edit_versions", change)
            return
        assert ((await change).version, await _versions(prompts, made.slug)) == (made.version, [made.version])

    async def test_version_is_deleted_or_that_is_refused(self, prompts: PromptStore, put: PutPrompt) -> None:
        """The others stay."""
        made = await put(_text(_name("removed")))
        if not prompts.capabilities.can("write_prompts"):
            return
        changed = await _update(prompts, made.slug, content="newer")
        removal = _delete(prompts, made.slug, version=made.version)
        if not prompts.capabilities.can("delete_versions"):
            await _refused(prompts, "delete_versions", removal)
            return
        await removal
        assert await _versions(prompts, made.slug) == [changed.version]

    async def test_deleted_prompt_is_gone(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Its name is free again."""
        made = await put(_text(_name("deleted")))
        removal = _delete(prompts, made.slug)
        if not prompts.capabilities.can("write_prompts"):
            await _refused(prompts, "write_prompts", removal)
            return
        await removal
        for call in (_get(prompts, made.slug), _delete(prompts, made.slug)):
            with pytest.raises(PromptNotFoundError):
                await call
        assert (await put(_text(made.slug, "another"))).content == "another"

    async def test_labels_point_to_versions_and_move(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Or every call about them is refused."""
        made = await put(_text(_name("labelled")))
        if not prompts.capabilities.can("labels"):
            move = PromptLabelMove(version=made.version)
            await _refused(prompts, "labels", prompts.labels(made.slug, project=None, timeout=None))
            await _refused(prompts, "labels", prompts.set_label(made.slug, "production", move, timeout=None))
            await _refused(prompts, "labels", prompts.remove_label(made.slug, "staging", project=None, timeout=None))
            return
        changed = await _update(prompts, made.slug, content="newer")

        async def move_to(version: str, label: str = "production", **fields: Any) -> str:
            moved = await prompts.set_label(made.slug, label, PromptLabelMove(version=version, **fields), timeout=None)
            assert moved.label == label
            return moved.version

        async def pointing() -> dict[str, str]:
            labels = await prompts.labels(made.slug, project=None, timeout=None)
            return {label.label: label.version for label in labels}

        assert await pointing() == {}
        assert await move_to(made.version) == made.version
        assert await move_to(made.version) == made.version
        assert await move_to(changed.version, "staging", expected_version=None) == changed.version
        assert await pointing() == {"production": made.version, "staging": changed.version}
        found = await _get(prompts, made.slug, label="production")
        assert (found.version, "production" in found.labels) == (made.version, True)
        for wrong in (None, changed.version):
            with pytest.raises(ConflictError):
                await move_to(changed.version, expected_version=wrong)
        assert await move_to(changed.version, expected_version=made.version) == changed.version
        assert (await _get(prompts, made.slug, label="production")).content == "newer"
        with pytest.raises(PromptNotFoundError):
            await move_to(_NOWHERE)
        await prompts.remove_label(made.slug, "production", project=None, timeout=None)
        assert await pointing() == {"staging": changed.version}
        with pytest.raises(NotFoundError):
            await prompts.remove_label(made.slug, "production", project=None, timeout=None)
        with pytest.raises(PromptNotFoundError):
            await _get(prompts, made.slug, label="production")

    async def test_label_keeps_a_prompt_from_being_deleted(self, prompts: PromptStore, put: PutPrompt) -> None:
        """Unless that is meant."""
        if not {"labels", "write_prompts"} <= prompts.capabilities.features:
            return
        made = await put(_text(_name("kept")))
        await prompts.set_label(made.slug, "production", PromptLabelMove(version=made.version), timeout=None)
        with pytest.raises(ConflictError):
            await _delete(prompts, made.slug)
        assert (await _get(prompts, made.slug)).version == made.version
        await _delete(prompts, made.slug, force=True)
        with pytest.raises(PromptNotFoundError):
            await _get(prompts, made.slug)

    async def test_history_is_told_or_refused(self, prompts: PromptStore, put: PutPrompt) -> None:
        """The newest comes first."""
        made = await put(_text(_name("history")))
        told = prompts.history_page(made.slug, label=None, project=None, limit=10, offset=0, timeout=None)
        if not prompts.capabilities.can("history"):
            await _refused(prompts, "history", told)
            return
        assert [event.action for event in (await told).items] == ["created"]

    async def test_prompt_is_rendered_where_it_lives_or_that_is_refused(
        self, prompts: PromptStore, put: PutPrompt
    ) -> None:
        """As it is here."""
        made = await put(_text(_name("rendered")))
        there = prompts.render(made.slug, RenderRequest(variables={"who": "Ada"}), timeout=None)
        if not prompts.capabilities.can("server_rendering"):
            await _refused(prompts, "server_rendering", there)
            return
        assert (await there).rendered_content == render_prompt(made, {"who": "Ada"}).content

    async def test_times_are_those_of_the_prompt_where_the_store_knows_them(
        self, prompts: PromptStore, put: PutPrompt
    ) -> None:
        """Else they are the first moment of 1970, and nobody takes them for true."""
        made = await put(_text(_name("times")))
        if prompts.capabilities.can("times"):
            assert abs(made.created_at - datetime.now(UTC)) < timedelta(minutes=5)
        else:
            assert {made.created_at, made.updated_at} == {datetime(1970, 1, 1, tzinfo=UTC)}


async def _listed(prompts: PromptStore, **query: Any) -> OffsetPage[PromptResponse]:
    return await prompts.list_page(PromptQuery(**query), timeout=None)


def _rank(prompt: PromptResponse) -> tuple[list[int], str]:
    """Where the version of a prompt stands: by its numbers, then by what follows them."""
    numbers, _, rest = prompt.version.partition("+")
    return [int(number) for number in numbers.split(".")], rest


async def _refused(prompts: PromptStore, feature: Feature, call: Awaitable[Any]) -> None:
    with pytest.raises(UnsupportedOperation) as caught:
        await call
    assert caught.value.details == {"store": prompts.capabilities.store, "feature": feature}
    assert prompts.capabilities.store in caught.value.message
