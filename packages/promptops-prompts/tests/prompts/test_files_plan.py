"""The three-way decision for each prompt: nothing that only one side knows is ever overwritten unasked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from promptops.models import PromptResponse
from promptops.prompts.files import Base, PromptDocument, document_of, plan_pull, plan_push
from promptops.prompts.files.documents import remote_fingerprint
from promptops.prompts.files.plan import decide

Make = Callable[..., PromptResponse]


def base_of(prompt: PromptResponse) -> Base:
    written = document_of(prompt)
    return Base(
        id=prompt.id,
        version=prompt.version,
        etag=prompt.etag,
        fingerprint=written.fingerprint,
        remote=remote_fingerprint(prompt),
        text="text",
    )


@pytest.fixture
def old(make_prompt: Make) -> PromptResponse:
    return make_prompt(content="old")


@pytest.fixture
def new(make_prompt: Make) -> PromptResponse:
    return make_prompt(content="new", version="1.0.1", etag="e2")


@pytest.fixture
def mine(make_prompt: Make) -> PromptDocument:
    return document_of(make_prompt(content="mine"))


def test_what_nobody_touched_is_unchanged(old: PromptResponse) -> None:
    assert decide(base_of(old), document_of(old), old)[0] == "unchanged"


def test_an_edit_here_is_pushed(old: PromptResponse, mine: PromptDocument) -> None:
    assert decide(base_of(old), mine, old)[0] == "push"


def test_an_edit_there_is_pulled(old: PromptResponse, new: PromptResponse) -> None:
    assert decide(base_of(old), document_of(old), new) == ("pull", "edited on the server since 1.0.0 (now 1.0.1)")


def test_edits_on_both_sides_are_a_conflict(old: PromptResponse, new: PromptResponse, mine: PromptDocument) -> None:
    assert decide(base_of(old), mine, new)[0] == "conflict"


def test_the_same_edit_on_both_sides_is_adopted(old: PromptResponse, new: PromptResponse) -> None:
    assert decide(base_of(old), document_of(new), new)[0] == "adopted"


def test_equal_prompts_without_a_common_base_are_adopted(new: PromptResponse) -> None:
    assert decide(None, document_of(new), new)[0] == "adopted"


def test_different_prompts_without_a_common_base_are_a_conflict(new: PromptResponse, mine: PromptDocument) -> None:
    assert decide(None, mine, new)[0] == "conflict"


def test_what_is_only_here_is_created(mine: PromptDocument) -> None:
    assert decide(None, mine, None)[0] == "create"


def test_what_is_only_there_is_pulled(new: PromptResponse) -> None:
    assert decide(None, None, new) == ("pull", "new on the server")


def test_deletions_are_told_apart_from_creations(old: PromptResponse, mine: PromptDocument) -> None:
    assert decide(base_of(old), None, old)[0] == "deleted_locally"
    assert decide(base_of(old), document_of(old), None)[0] == "deleted_remotely"
    assert decide(base_of(old), mine, None) == (
        "deleted_remotely",
        "the prompt was deleted on the server and the file was edited",
    )
    assert decide(base_of(old), None, None)[0] == "unchanged"


def test_a_prompt_that_was_deleted_and_made_again_has_no_common_base(
    old: PromptResponse, mine: PromptDocument, make_prompt: Make
) -> None:
    again = make_prompt(id="5f0c2e9e-0000-4000-8000-000000000002", content="old")
    assert decide(base_of(old), mine, again)[0] == "conflict"


def test_a_new_version_that_says_the_same_changes_nothing(old: PromptResponse, make_prompt: Make) -> None:
    labelled = make_prompt(content="old", version="1.0.1", etag="other", labels=["production"])
    assert decide(base_of(old), document_of(old), labelled)[0] == "unchanged"


def test_declared_variables_that_the_text_uses_are_no_difference(make_prompt: Make) -> None:
    prompt = make_prompt(content="{{ who }}", variables=["who"])
    local = document_of(prompt)
    assert local.variables == []
    declared = PromptDocument(slug="greeting", name="Greeting", content="{{ who }}", variables=["who"])
    assert decide(None, declared, prompt)[0] == "adopted"
    other = PromptDocument(slug="greeting", name="Greeting", content="{{ who }}", variables=["whom"])
    assert decide(None, other, prompt)[0] == "conflict"


def test_push_and_pull_act_on_their_own_side_alone(
    old: PromptResponse, new: PromptResponse, mine: PromptDocument
) -> None:
    local = {"edited": mine, "stale": document_of(old), "both": mine, "gone": document_of(old), "made": mine}
    remote = {"edited": old, "stale": new, "both": new, "removed": old, "theirs": new}
    bases = {name: base_of(old) for name in ("edited", "stale", "both", "gone", "removed")}
    push, pull = plan_push(local, remote, bases), plan_pull(local, remote, bases)
    assert {step.slug for step in push.steps if step.acts} == {"edited", "made"}
    assert {step.slug for step in pull.steps if step.acts} == {"stale", "theirs"}
    assert [step.slug for step in push.conflicts] == [step.slug for step in pull.conflicts] == ["both"]
    assert len(push.pending) == 7


def test_force_says_which_side_wins_and_deletes_nothing_on_the_server(
    old: PromptResponse, new: PromptResponse, mine: PromptDocument
) -> None:
    local = {"both": mine, "gone": document_of(old)}
    remote = {"both": new, "removed": old}
    bases = {name: base_of(old) for name in ("both", "gone", "removed")}
    push = plan_push(local, remote, bases, force=True)
    pull = plan_pull(local, remote, bases, force=True)
    assert {step.slug for step in push.steps if step.acts} == {"both", "gone"}
    assert {step.slug for step in pull.steps if step.acts} == {"both", "gone", "removed"}


def test_a_conflict_shows_all_three_sides(old: PromptResponse, new: PromptResponse, mine: PromptDocument) -> None:
    from promptops.prompts.files import format_document

    base = Base(
        id=old.id, version="1.0.0", etag="", fingerprint="f", remote="r", text=format_document(document_of(old))
    )
    step = plan_push({"greeting": mine}, {"greeting": new}, {"greeting": base}).steps[0]
    shown = step.three_way().unified()
    assert shown.count("--- greeting (last in common)") == 2
    assert "-old\n+mine\n" in shown
    assert "-old\n+new\n" in shown
    alone = plan_push({"greeting": mine}, {"greeting": new}, {}).steps[0]
    assert "-new\n+mine\n" in alone.three_way().unified()
