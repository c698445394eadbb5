"""Prompts straight out of a folder: rendered without a server, read again when they change, never written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.core.errors import PromptNotFoundError, UnsupportedOperation, ValidationError
from promptops.prompts.local import LocalPromptStore, async_local_prompts, local_prompts
from promptops.prompts.stores import PromptStore
from promptops.prompts.versions import normalise_version

Write = Callable[[str, str], Path]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(slug: str, text: str) -> Path:
        file = tmp_path / f"{slug}.prompt.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.stat().st_mtime_ns if file.exists() else None
        file.write_text(text, encoding="utf-8")
        if file.stat().st_mtime_ns == before:  # clocks of file systems are coarse
            os.utime(file, ns=(0, (before or 0) + 1_000_000))
        return file

    return put


def test_a_prompt_of_a_folder_is_rendered_without_a_server(tmp_path: Path, write: Write) -> None:
    write("team/greeting", "---\nmodel: {model: m}\n---\n\n::: system\nBe {{ mood }}.\n\n::: user\n{{ question }}\n")
    rendered = local_prompts(tmp_path).render("team/greeting", {"mood": "kind", "question": "{{ why }}"})
    assert rendered.messages == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{ why }}"}]
    assert rendered.rendered_content == "Be kind.\n\n{{ why }}"


@pytest.mark.anyio
async def test_asynchronous_code_reads_the_same_folder(tmp_path: Path, write: Write) -> None:
    write("greeting", "Hello {{ name }}")
    prompts = async_local_prompts(tmp_path)
    assert (await prompts.render("greeting", {"name": "Ada"})).rendered_content == "Hello Ada"
    assert [prompt.slug async for prompt in prompts.iterate()] == ["greeting"]


def test_a_version_is_a_semver_that_changes_with_the_text(tmp_path: Path, write: Write) -> None:
    prompts = local_prompts(tmp_path)
    write("a", "one")
    first = prompts.get("a")
    assert normalise_version(first.version) == first.version == f"0.0.0+local.{first.content_hash[:12]}"
    assert prompts.get("a", version=first.version).content == "one"
    write("a", "two")
    second = prompts.get("a")
    assert (second.content, second.id) == ("two", first.id)
    assert second.version != first.version
    with pytest.raises(PromptNotFoundError, match="leave the version out"):
        prompts.get("a", version=first.version)
    assert prompts.get("a", label="production") == second
    assert prompts.get(second.id) == second
    assert [prompt.version for prompt in prompts.versions("a")] == [second.version]


def test_a_file_is_read_again_only_when_it_changed(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptops.prompts.files import PromptFolder

    folder = PromptFolder(tmp_path)
    loaded: list[str] = []
    load = folder.load

    def count(file: Path) -> Any:
        loaded.append(file.name)
        return load(file)

    monkeypatch.setattr(folder, "load", count)
    prompts = local_prompts(folder)
    write("a", "one")
    write("b", "one")
    prompts.get("a")
    prompts.get("a")
    assert sorted(loaded) == ["a.prompt.md", "b.prompt.md"]
    write("a", "two")
    assert prompts.get("a").content == "two"
    assert len(loaded) == 3
    (tmp_path / "a.prompt.md").unlink()
    with pytest.raises(PromptNotFoundError):
        prompts.get("a")


def test_a_name_that_is_not_there_suggests_close_ones(tmp_path: Path, write: Write) -> None:
    write("greeting", "x")
    with pytest.raises(PromptNotFoundError, match="Did you mean 'greeting'") as caught:
        local_prompts(tmp_path).get("greting")
    assert caught.value.suggested_prompts == ["greeting"]


def test_a_bad_file_does_not_take_the_others_with_it(tmp_path: Path, write: Write) -> None:
    write("good", "x")
    write("bad", "---\ntols: 1\n---\n")
    prompts = local_prompts(tmp_path)
    assert prompts.get("good").content == "x"
    with pytest.raises(ValidationError, match=r"bad\.prompt\.md:2: unknown key 'tols'"):
        prompts.get("bad")
    with pytest.raises(ValidationError, match=r"bad\.prompt\.md:2"):
        prompts.list()
    found = prompts.get_many(["good", "other"])
    assert list(found.prompts) == ["good"]
    assert isinstance(found.errors["other"], ValidationError)


def test_lists_filter_and_sort_like_a_server(tmp_path: Path, write: Write) -> None:
    for number, tag in enumerate(("x", "y", "x")):
        write(f"p{number}", f"---\nname: N{number}\ntags: [{tag}]\nmodule: m{number}\n---\ntext {number}\n")
    prompts = local_prompts(tmp_path)
    assert [item.name for item in prompts.list(sort_by="name", sort_order="asc")] == ["N0", "N1", "N2"]
    assert [item.name for item in prompts.list(tags=["x"], sort_by="name")] == ["N2", "N0"]
    assert [item.name for item in prompts.list(query="TEXT 1")] == ["N1"]
    assert [item.name for item in prompts.list(module_id="m2")] == ["N2"]
    page = prompts.list_page(limit=1, skip=1, sort_by="name", sort_order="asc")
    assert ([item.name for item in page.items], page.total, page.has_more) == (["N1"], 3, True)


def test_writes_are_refused_by_name(tmp_path: Path, write: Write) -> None:
    write("a", "x")
    prompts = local_prompts(tmp_path)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("create prompts", lambda: prompts.create("b", content="x")),
        ("change prompts", lambda: prompts.update("a", content="y")),
        ("delete prompts", lambda: prompts.delete("a")),
        ("render on a server", lambda: prompts.render("a", on_server=True)),
    ]
    for feature, call in calls:
        with pytest.raises(UnsupportedOperation, match=f"local prompt store cannot {feature}"):
            call()
    assert prompts.get("a").content == "x"


def test_includes_are_those_of_the_folder(tmp_path: Path, write: Write) -> None:
    write("style", "Be {{ mood }}.")
    write("frame", "[{{> style@production }}]")
    write("greeting", "{{> frame@1.0.0 }} Hi {{ name }}")
    prompts = local_prompts(tmp_path)
    prompt = prompts.get("greeting")
    assert prompt.content == "[Be {{ mood }}.] Hi {{ name }}"
    assert prompt.variables == ["mood", "name"]
    assert prompt.source is not None
    assert prompt.source.content == "{{> frame@1.0.0 }} Hi {{ name }}"
    assert prompts.render("greeting", {"mood": "kind", "name": "Ada"}).rendered_content == "[Be kind.] Hi Ada"


def test_variants_include_those_of_the_folder_too(tmp_path: Path, write: Write) -> None:
    write("style", "Be {{ mood }}.")
    write(
        "greeting",
        "---\nvariants:\n  - {model_provider: openai, content: '{{> style@1.0.0 }} Short.'}\n"
        "  - model_provider: google\n    messages:\n      - {role: user, content: '{{> style@1.0.0 }} Hi'}\n---\nHi\n",
    )
    prompts = local_prompts(tmp_path)
    prompt = prompts.get("greeting")
    assert [variant.content for variant in prompt.model_specific_prompts] == [
        "Be {{ mood }}. Short.",
        "Be {{ mood }}. Hi",
    ]
    assert prompt.source is not None
    assert [variant.content for variant in prompt.source.model_specific_prompts] == [
        "{{> style@1.0.0 }} Short.",
        "{{> style@1.0.0 }} Hi",
    ]
    for provider, text in (("openai", "Be kind. Short."), ("google", "Be kind. Hi")):
        rendered = prompts.render("greeting", {"mood": "kind"}, model_provider=provider)
        assert rendered.rendered_content == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{> b@1.0.0 }}", "a -> b: there is no file for 'b'"),
        ("{{> c@1.0.0 }}", "a -> c -> a: the prompt would include itself"),
        ("{{> c }}", "a -> c: 'c' is included without a version"),
        ("{{> chat@1.0.0 }}", "a -> chat: only texts of the format mustache"),
        ("{{#open}}", "open"),
    ],
)
def test_a_prompt_that_cannot_be_made_names_its_file(tmp_path: Path, write: Write, text: str, reason: str) -> None:
    write("a", text)
    write("c", "{{> a@1.0.0 }}")
    write("chat", "::: user\nhi\n")
    with pytest.raises(ValidationError, match=r"a\.prompt\.md:1: ") as caught:
        local_prompts(tmp_path).get("a")
    assert reason in str(caught.value)


@pytest.mark.anyio
async def test_the_store_works_without_a_runtime_too(tmp_path: Path, write: Write) -> None:
    write("a", "x")
    store: PromptStore = LocalPromptStore(tmp_path)
    found = await store.get("a", version=None, label=None, project=None, fresh=False, timeout=None)
    assert found is not None
    assert found.content == "x"
