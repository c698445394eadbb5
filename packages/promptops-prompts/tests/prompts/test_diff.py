"""What changed between two prompts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from promptops.prompts.diff import PromptDiff, ValueChange, diff_prompts


def message(role: str, content: Any, name: str | None = None) -> dict[str, Any]:
    return {"role": role, "content": content, "name": name}


def test_the_same_prompt_has_no_difference(make_prompt: Any) -> None:
    diff = diff_prompts(make_prompt(), make_prompt(version="1.0.1", etag="other", updated_at="2026-02-01T00:00:00Z"))
    assert diff.is_empty
    assert diff.unified() == ""


def test_a_text_is_compared_line_by_line(make_prompt: Any) -> None:
    diff = diff_prompts(make_prompt(content="a\nb\nc"), make_prompt(content="a\nB\nc", version="1.1.0"))
    [change] = diff.text
    assert (change.field, change.kind) == ("content", "changed")
    assert change.lines == ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]
    assert [diff.messages, diff.settings, diff.metadata] == [[], [], []]
    assert diff.unified() == "--- 1.0.0\n+++ 1.1.0\n== content (changed)\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"


@pytest.mark.parametrize(("old", "new"), [("a", "a\n"), ("a\nb", "a\r\nb"), ("", " ")])
def test_white_space_is_a_difference_too(make_prompt: Any, old: str, new: str) -> None:
    [change] = diff_prompts(make_prompt(content=old), make_prompt(content=new)).text
    assert change.lines


def test_messages_are_paired_so_that_most_stay_the_same(make_prompt: Any) -> None:
    old = [message("system", "a"), message("user", "b\nc"), message("assistant", "d")]
    new = [message("system", "a"), message("system", "new"), message("user", "b\nC"), message("assistant", "d")]
    diff = diff_prompts(make_prompt(messages=old), make_prompt(messages=new))
    assert [(one.kind, one.old_index, one.new_index, one.role) for one in diff.messages] == [
        ("changed", 1, 1, "system"),
        ("added", None, 2, "user"),
    ]
    diff = diff_prompts(make_prompt(messages=old), make_prompt(messages=old[:1] + old[2:]))
    assert [(one.kind, one.old_index, one.new_index) for one in diff.messages] == [("removed", 1, None)]
    assert diff.messages[0].lines == ["@@ -1,3 +0,0 @@", "-[user]", "-b", "-c"]
    assert "== messages[1] (removed)" in diff.unified()


def test_role_name_and_parts_of_a_message_are_compared(make_prompt: Any) -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image", "url": "https://e.com/a.png"}]
    other = [parts[0], {"type": "image", "url": "https://e.com/b.png"}]
    diff = diff_prompts(
        make_prompt(messages=[message("user", parts)]), make_prompt(messages=[message("user", other, "ada")])
    )
    assert diff.messages[0].lines == [
        "@@ -1,4 +1,4 @@",
        "-[user]",
        "+[user ada]",
        " [text]",
        " look",
        '-{"type":"image","url":"https://e.com/a.png"}',
        '+{"type":"image","url":"https://e.com/b.png"}',
    ]


def test_a_text_that_becomes_a_chat_is_gone_and_its_messages_are_new(make_prompt: Any) -> None:
    diff = diff_prompts(make_prompt(content="a"), make_prompt(content="b", messages=[message("user", "b")]))
    assert [(one.field, one.kind) for one in diff.text] == [("content", "removed")]
    assert [one.kind for one in diff.messages] == ["added"]


def test_settings_tools_and_schemas_are_told_by_path(make_prompt: Any) -> None:
    old = make_prompt(
        tools=[{"name": "search", "parameters": {"properties": {"q": {"type": "string"}}}}, {"name": "gone"}],
        model_settings={"model": "m", "temperature": 1.0, "stop": ["a", "b"]},
        variables_schema={"required": ["a"]},
        includes=[{"name": "part", "version": "1.0.0", "label": None, "content_hash": "h"}],
    )
    new = make_prompt(
        template_format="f-string",
        tools=[{"name": "search", "parameters": {"properties": {"q": {"type": "number"}}}}],
        tool_choice={"type": "auto"},
        model_settings={"model": "m", "temperature": 0.0, "stop": ["a", "c"], "extra": {"flag": True}},
        variables_schema={"required": ["a", "b"]},
        includes=[{"name": "part", "version": "1.1.0", "label": None, "content_hash": "i"}],
    )
    diff = diff_prompts(old, new)
    assert {change.path: (change.kind, change.old, change.new) for change in diff.settings} == {
        "template_format": ("changed", "mustache", "f-string"),
        "tools.search.parameters.properties.q.type": ("changed", "string", "number"),
        "tools.gone.name": ("removed", "gone", None),
        "tool_choice.type": ("added", None, "auto"),
        "model_settings.temperature": ("changed", 1.0, 0.0),
        "model_settings.stop[1]": ("changed", "b", "c"),
        "model_settings.extra.flag": ("added", None, True),
        "variables_schema.required": ("changed", ["a"], ["a", "b"]),
        "includes.part": ("changed", "1.0.0", "1.1.0"),
    }
    assert "-model_settings.temperature: 1.0\n+model_settings.temperature: 0.0\n" in diff.unified()


def test_true_is_not_one(make_prompt: Any) -> None:
    diff = diff_prompts(make_prompt(metadata={"a": 1}), make_prompt(metadata={"a": True}))
    assert diff.metadata == [ValueChange(path="metadata.a", kind="changed", old=1, new=True)]


def test_what_is_said_about_a_prompt_is_metadata(make_prompt: Any) -> None:
    diff = diff_prompts(
        make_prompt(description="a", tags=["x"], labels=["production"]), make_prompt(tags=["x", "y"], name="New")
    )
    assert [(one.path, one.kind) for one in diff.metadata] == [
        ("name", "changed"),
        ("description", "removed"),
        ("tags", "changed"),
        ("labels", "removed"),
    ]


def test_variants_are_compared_by_their_model(make_prompt: Any) -> None:
    one = {"model_provider": "openai", "model_name": "gpt", "content": "a"}
    two = {"model_provider": "google", "content": "b"}
    diff = diff_prompts(
        make_prompt(model_specific_prompts=[one, two]),
        make_prompt(
            model_specific_prompts=[
                two,
                {**one, "content": "A", "model_settings": {"seed": 1}, "instructions": "short"},
            ]
        ),
    )
    assert [(change.field, change.kind) for change in diff.text] == [
        ("model_specific_prompts[openai/gpt].content", "changed")
    ]
    assert [change.path for change in diff.settings] == [
        "model_specific_prompts[openai/gpt].model_settings.seed",
        "model_specific_prompts[openai/gpt].instructions",
    ]


def test_a_further_variant_of_the_same_model_hides_no_change(make_prompt: Any) -> None:
    one, two = {"model_provider": "openai", "content": "a"}, {"model_provider": "openai", "content": "b"}
    diff = diff_prompts(
        make_prompt(model_specific_prompts=[one, two]),
        make_prompt(model_specific_prompts=[{**one, "content": "A"}, two]),
    )
    assert [change.field for change in diff.text] == ["model_specific_prompts[openai/*].content"]
    [change] = diff_prompts(
        make_prompt(model_specific_prompts=[one]), make_prompt(model_specific_prompts=[one, two])
    ).text
    assert (change.field, change.kind) == ("model_specific_prompts[openai/*#2].content", "added")


def test_another_order_of_tools_is_a_change_of_settings(make_prompt: Any) -> None:
    a, b, c = ({"name": name} for name in "abc")
    diff = diff_prompts(make_prompt(tools=[a, b]), make_prompt(tools=[b, a]))
    assert diff.settings == [ValueChange(path="tools", kind="changed", old=["a", "b"], new=["b", "a"])]
    assert diff_prompts(make_prompt(tools=[a, b]), make_prompt(tools=[c, a, b])).settings == [
        ValueChange(path="tools.c.name", kind="added", new="c")
    ]


def test_a_difference_is_json(make_prompt: Any) -> None:
    diff = diff_prompts(make_prompt(content="a"), make_prompt(content="b", tags=["x"]))
    assert msgspec.json.decode(msgspec.json.encode(diff), type=PromptDiff) == diff
