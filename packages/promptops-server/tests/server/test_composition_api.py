"""Prompts that include others, over a real socket."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import msgspec
import pytest
from promptops.prompts.hashing import content_hash
from promptops.server import wire
from promptops.server.services.composition import MAX_BYTES, MAX_INCLUDED, MAX_LEVELS

PROMPTS = "/v1/client/prompts"


def send(client: httpx.Client, slug: str, content: str | None = None, **fields: Any) -> httpx.Response:
    body: dict[str, Any] = {"name": slug, "slug": slug, **fields}
    return client.post(PROMPTS, json=body if content is None else {**body, "content": content})


def create(client: httpx.Client, slug: str, content: str | None = None, **fields: Any) -> dict[str, Any]:
    answer = send(client, slug, content, **fields)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def change(client: httpx.Client, slug: str, **fields: Any) -> dict[str, Any]:
    answer = client.put(f"{PROMPTS}/{slug.replace('/', '%2F')}", json=fields)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def label(client: httpx.Client, slug: str, name: str, version: str) -> None:
    assert client.put(f"{PROMPTS}/{slug}/labels/{name}", json={"version": version}).status_code == 200


def refusal(answer: httpx.Response) -> tuple[str, str, str]:
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["error"]["details"]["validation_errors"]
    return problem["field"], problem["code"], problem["message"]


@pytest.fixture
def names() -> tuple[str, str, str, str]:
    mark = uuid.uuid4().hex[:8]
    return f"a-{mark}", f"b-{mark}", f"c-{mark}", f"d-{mark}"


def test_an_included_text_takes_the_place_of_its_tag(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    made = create(client, a, "be {{mood}}")
    text = f"First: {{{{> {a}@1.0.0 }}}}. Again: {{{{>{a}@v1}}}}!"
    whole = create(client, b, text)
    assert whole["content"] == "First: be {{mood}}. Again: be {{mood}}!"
    assert whole["variables"] == ["mood"]
    assert whole["source"] == {"content": text, "messages": None, "model_specific_prompts": []}
    assert whole["includes"] == [{"name": a, "version": "1.0.0", "label": None, "content_hash": made["content_hash"]}]
    rendered = client.post(f"{PROMPTS}/{b}/render", json={"variables": {"mood": "{{> x@1 }}"}}).json()["data"]
    assert rendered["rendered_content"] == "First: be {{> x@1 }}. Again: be {{> x@1 }}!"


def test_a_label_is_resolved_when_the_prompt_is_written(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    create(client, a, "one")
    change(client, a, content="two")
    label(client, a, "live", "1.0.0")
    whole = create(client, b, f"{{{{> {a}@live }}}}")
    assert whole["content"] == "one"
    assert [(item["version"], item["label"]) for item in whole["includes"]] == [("1.0.0", "live")]
    label(client, a, "live", "1.0.1")
    assert client.get(f"{PROMPTS}/{b}").json()["data"] == whole
    again = change(client, b, content=f"{{{{> {a}@live }}}}")
    assert (again["content"], again["includes"][0]["version"]) == ("two", "1.0.1")


def test_a_field_that_is_not_sent_keeps_what_was_included_in_it(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    create(client, a, "one")
    label(client, a, "live", "1.0.0")
    variant = {"model_provider": "openai", "content": f"V {{{{> {a}@live }}}}"}
    whole = create(client, b, f"{{{{> {a}@live }}}}", model_specific_prompts=[variant])
    change(client, a, content="two")
    label(client, a, "live", "1.0.1")
    described = change(client, b, description="new words")
    assert (described["content"], described["source"], described["includes"]) == (
        "one",
        whole["source"],
        whole["includes"],
    )
    assert described["content_hash"] == whole["content_hash"]
    text = change(client, b, content=f"T {{{{> {a}@live }}}}")
    assert (text["content"], text["model_specific_prompts"][0]["content"]) == ("T two", "V one")
    assert [item["version"] for item in text["includes"]] == ["1.0.1", "1.0.0"]
    assert text["source"]["model_specific_prompts"][0]["content"] == variant["content"]
    plain = change(client, b, content="plain", model_specific_prompts=[])
    assert (plain["source"], plain["includes"]) == (None, [])


def test_an_edit_in_place_leaves_those_that_included_it(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    create(client, a, "one")
    whole = create(client, b, f"{{{{> {a}@1.0.0 }}}}")
    edited = change(client, a, create_new_version=False, version="1.0.0", content="other")
    assert edited["content_hash"] != whole["includes"][0]["content_hash"]
    assert client.get(f"{PROMPTS}/{b}").json()["data"] == whole


def test_every_text_of_a_chat_and_of_variants_can_include(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    create(client, a, "X{{v}}")
    tag = f"{{{{> {a}@1.0.0 }}}}"
    parts = [
        {"type": "text", "text": tag},
        {"type": "image", "url": f"https://h/{tag}"},
        {"type": "file", "url": f"https://h/{tag}", "filename": tag},
        {"type": "tool_call", "id": "1", "name": "f", "arguments": {"a": [tag, {"b": tag}]}},
        {"type": "tool_result", "tool_call_id": "1", "content": tag},
    ]
    messages = [{"role": "system", "content": f"S {tag}"}, {"role": "user", "content": parts}]
    variant = {"model_provider": "openai", "content": "", "messages": [{"role": "user", "content": tag}]}
    tools = [{"name": "f", "description": tag}]
    whole = create(client, b, messages=messages, model_specific_prompts=[variant], tools=tools)
    assert whole["content"] == "S X{{v}}\n\nX{{v}}"
    content = whole["messages"][1]["content"]
    assert content[1]["url"] == "https://h/X{{v}}"
    assert content[2] == {"type": "file", "url": "https://h/X{{v}}", "filename": "X{{v}}"}
    assert content[3]["arguments"] == {"a": ["X{{v}}", {"b": "X{{v}}"}]}
    assert content[4]["content"] == "X{{v}}"
    assert whole["model_specific_prompts"][0]["messages"][0]["content"] == "X{{v}}"
    assert whole["model_specific_prompts"][0]["content"] == "X{{v}}"
    assert whole["tools"][0]["description"] == tag
    assert whole["source"]["messages"] == messages
    assert [(item["name"], item["version"]) for item in whole["includes"]] == [(a, "1.0.0")]


def test_what_is_included_indirectly_is_recorded_once(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, c, d = names
    create(client, a, "A")
    label(client, a, "live", "1.0.0")
    create(client, b, f"B{{{{> {a}@live }}}}")
    create(client, c, f"C{{{{> {a}@1.0.0 }}}}")
    whole = create(client, d, f"{{{{> {b}@1.0.0 }}}}{{{{> {c}@1.0.0 }}}}{{{{> {a}@1.0.0 }}}}")
    assert whole["content"] == "BACAA"
    assert sorted((item["name"], item["label"]) for item in whole["includes"]) == [(a, "live"), (b, None), (c, None)]


def test_the_hash_covers_the_text_as_it_was_resolved(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, c, _ = names
    create(client, a, "one")
    whole = create(client, b, f"{{{{> {a}@1.0.0 }}}} more")
    assert whole["content_hash"] == create(client, c, "one more")["content_hash"]
    assert whole["content_hash"] == content_hash(msgspec.convert(whole, wire.PromptResponse))


def test_a_prompt_cannot_include_itself(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, c, _ = names
    create(client, a, "A")
    direct = client.put(f"{PROMPTS}/{a}", json={"content": f"{{{{> {a}@1.0.0 }}}}"})
    assert refusal(direct)[:2] == ("content", "include_cycle")
    create(client, b, f"{{{{> {a}@1.0.0 }}}}")
    create(client, c, f"{{{{> {b}@1.0.0 }}}}")
    field, code, message = refusal(client.put(f"{PROMPTS}/{a}", json={"content": f"{{{{> {c}@1.0.0 }}}}"}))
    assert (field, code) == ("content", "include_cycle")
    assert f"{a} -> {c} -> {b} -> {a}" in message
    new = refusal(send(client, names[3], f"{{{{> {names[3]}@1.0.0 }}}}"))
    assert new[1] == "include_cycle"


def test_16_levels_are_taken_and_17_are_not(client: httpx.Client, names: tuple[str, ...]) -> None:
    mark = names[0]
    create(client, f"{mark}-0", "end")
    for level in range(1, MAX_LEVELS + 1):
        assert create(client, f"{mark}-{level}", f"{{{{> {mark}-{level - 1}@1.0.0 }}}}")["content"] == "end"
    answer = send(client, f"{mark}-x", f"{{{{> {mark}-{MAX_LEVELS}@1.0.0 }}}}")
    _, code, message = refusal(answer)
    assert code == "include_depth"
    assert message.count(" -> ") == MAX_LEVELS + 1
    assert client.get(f"{PROMPTS}/{mark}-x").status_code == 404


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("{{> NAME }}", "missing_pin"),
        ("{{> NAME@ }}", "missing_pin"),
        ("{{> NAME@latest }}", "missing_pin"),
        ("{{> NAME@9.0.0 }}", "unknown_prompt"),
        ("{{> NAME@nowhere }}", "unknown_prompt"),
        ("{{> NAME-not@1.0.0 }}", "unknown_prompt"),
        ("{{> NAME@a b }}", "invalid_include"),
        ("{{> NAME @1.0.0 }}", "invalid_include"),
        ("{{>}}", "invalid_include"),
        ("{{> ../x@1.0.0 }}", "invalid_include"),
        ("{{> CHAT@1.0.0 }}", "not_a_text"),
        ("{{> PLAIN@1.0.0 }}", "other_format"),
        ("{{> JINJA@1.0.0 }}", "other_format"),
    ],
)
def test_what_cannot_be_included_is_refused(client: httpx.Client, names: tuple[str, ...], tag: str, code: str) -> None:
    a, b, c, d = names
    create(client, a, "A")
    create(client, b, messages=[{"role": "user", "content": "x"}])
    create(client, c, "x", template_format="none")
    create(client, f"{c}-j", "x", template_format="jinja2")
    for word, name in (("NAME", a), ("CHAT", b), ("PLAIN", c), ("JINJA", f"{c}-j")):
        tag = tag.replace(word, name)
    field, found, message = refusal(send(client, d, messages=[{"role": "user", "content": f"x {tag}"}]))
    assert (field, found) == ("messages[0].content", code)
    assert message.startswith(f"{d} -> ")
    assert client.get(f"{PROMPTS}/{d}").status_code == 404


def test_an_id_is_no_name_to_include_by(client: httpx.Client, names: tuple[str, ...]) -> None:
    made = create(client, names[0], "A")
    assert refusal(send(client, names[1], f"{{{{> {made['id']}@1.0.0 }}}}"))[1] == "unknown_prompt"


def test_included_texts_cannot_make_a_prompt_larger_than_256_kib(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, c, d = names
    create(client, a, "x" * (MAX_BYTES // 4))
    whole = create(client, b, f"{{{{> {a}@1.0.0 }}}}" * 4)
    assert len(whole["content"]) == MAX_BYTES
    _, code, message = refusal(send(client, c, f"{{{{> {a}@1.0.0 }}}}" * 4 + "x"))
    assert code == "too_large"
    assert f"{c} -> {a}" in message
    assert refusal(send(client, d, f"{{{{> {b}@1.0.0 }}}}" * 1000))[1] == "too_large"


def test_a_prompt_includes_at_most_100_others(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    create(client, a, "")
    for _ in range(MAX_INCLUDED):
        change(client, a, content="")
    tags = [f"{{{{> {a}@1.0.{number} }}}}" for number in range(MAX_INCLUDED + 1)]
    assert refusal(send(client, b, "".join(tags)))[1] == "too_many_includes"
    assert len(create(client, b, "".join(tags[:MAX_INCLUDED]))["includes"]) == MAX_INCLUDED


@pytest.mark.parametrize("form", ["none", "jinja2", "f-string"])
def test_other_formats_know_no_inclusion(client: httpx.Client, names: tuple[str, ...], form: str) -> None:
    text = "{{> x@1.0.0 }}"
    made = create(client, names[0], text, template_format=form)
    assert (made["content"], made["source"], made["includes"]) == (text, None, [])


def test_a_change_to_mustache_resolves_what_is_there(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, *_ = names
    create(client, a, "A")
    create(client, b, f"{{{{> {a}@1.0.0 }}}}", template_format="none")
    changed = change(client, b, template_format="mustache")
    assert (changed["content"], len(changed["includes"])) == ("A", 1)
    # Written down as its source, the tag would be text in this format: whoever pulls and pushes it would lose the A.
    back = change(client, b, template_format="none")
    assert (back["content"], back["source"], back["includes"]) == ("A", None, [])
    again = change(client, b, template_format="mustache")
    assert (again["content"], again["source"], again["includes"]) == ("A", None, [])


def test_a_tag_within_a_comment_includes_nothing(client: httpx.Client, names: tuple[str, ...]) -> None:
    made = create(client, names[0], "a {{! {{> x@1.0.0 }} b {{#s}}{{y}}{{/s}}")
    assert (made["includes"], made["source"]) == ([], None)


def test_an_included_text_is_not_read_for_tags_again(client: httpx.Client, names: tuple[str, ...]) -> None:
    a, b, c, _ = names
    create(client, a, "{")
    create(client, c, "C")
    # Put together the two texts make a tag; it includes nothing, and what is left is no template.
    _, code, message = refusal(send(client, b, f"{{{{> {a}@1.0.0 }}}}{{> {c}@1.0.0 }}}}"))
    assert code not in {"unknown_prompt", "missing_pin"}
    assert "{{>" in message
    assert client.get(f"{PROMPTS}/{b}").status_code == 404
