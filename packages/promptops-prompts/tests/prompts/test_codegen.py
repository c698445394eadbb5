"""The module that codegen writes: names, types, options, and texts of users that stay texts."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.models import PromptResponse
from promptops.prompts import AsyncPrompts, codegen
from promptops.prompts._codegen_names import function_name, parameter_names
from promptops.prompts.codegen import generate_module
from promptops.prompts.render import render_prompt
from promptops.prompts.typed import RenderOptions, Renders

Make = Callable[..., PromptResponse]


class Recorder:
    """Prompts that remember what they were asked to render."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []

    def render(self, name: str, variables: Any = None, **options: Any) -> str:
        self.calls.append((name, variables, options))
        return "rendered"


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The least that a function is made from."""

    slug: str = "greeting"
    version: str = "1.0.0"
    content_hash: str = "h"
    description: str
    template_format: str = "mustache"
    content: str = ""
    messages: list[Any] | None = None
    model_specific_prompts: list[Any] = []
    variables: list[str]
    variables_schema: dict[str, Any]


def executed(source: str) -> ModuleType:
    module = ModuleType("generated")
    exec(compile(source, "generated", "exec"), module.__dict__)
    return module


@pytest.fixture
def one(make_prompt: Make) -> Callable[..., str]:
    """The source for one prompt whose variables have this schema."""

    def generate(properties: dict[str, Any], *, required: tuple[str, ...] = (), **more: Any) -> str:
        schema = {"type": "object", "properties": properties, "required": list(required), **more}
        return generate_module([make_prompt(variables=[], variables_schema=schema)])

    return generate


def annotation_of(source: str, parameter: str) -> str:
    function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    found = next(item.annotation for item in function.args.kwonlyargs if item.arg == parameter)
    assert found is not None
    return ast.unparse(found)


def test_a_function_renders_its_prompt_with_variables_and_options(make_prompt: Make) -> None:
    module = executed(generate_module([make_prompt(slug="support/first-reply", variables=["who"])]))
    prompts = Recorder()
    assert module.support_first_reply(prompts, who="Ada", version="1.0.0", timeout=2.0) == "rendered"
    assert prompts.calls == [("support/first-reply", {"who": "Ada"}, {"version": "1.0.0", "timeout": 2.0})]


def test_a_function_can_be_called_strictly_though_the_text_uses_not_all_that_is_declared(make_prompt: Make) -> None:
    schema = {"type": "object", "properties": {"listed": {"type": "string"}}}
    prompt = make_prompt(slug="greeting", variables=["who", "spare"], variables_schema=schema)

    class Prompts:
        def render(self, name: str, variables: Any = None, **options: Any) -> str:
            assert name == "greeting"
            return render_prompt(prompt, variables, **options).content

    module = executed(generate_module([prompt]))
    assert module.greeting(Prompts(), who="Ada", spare=1, listed="x", strict=True) == "Hello Ada!"


def test_an_optional_variable_that_was_left_out_is_not_sent_and_none_is(make_prompt: Make) -> None:
    schema = {"type": "object", "properties": {"tone": {"type": ["string", "null"]}, "who": {"type": "string"}}}
    module = executed(generate_module([make_prompt(variables=["who"], variables_schema=schema)]))
    prompts = Recorder()
    module.greeting(prompts, who="Ada")
    module.greeting(prompts, who="Ada", tone=None)
    assert [call[1] for call in prompts.calls] == [{"who": "Ada"}, {"who": "Ada", "tone": None}]


def test_a_missing_variable_fails_before_anything_is_rendered(make_prompt: Make) -> None:
    module = executed(generate_module([make_prompt()]))
    with pytest.raises(TypeError, match="who"):
        module.greeting(Recorder())


def test_variables_that_the_text_uses_are_required_and_those_that_the_schema_only_allows_are_not(
    make_prompt: Make,
) -> None:
    properties = dict.fromkeys(("who", "allowed", "needed"), True)
    schema = {"properties": properties, "required": ["needed"]}
    module = executed(generate_module([make_prompt(variables=["who"], variables_schema=schema)]))
    parameters = inspect.signature(module.greeting).parameters
    required = {name for name, item in parameters.items() if item.default is item.empty}
    assert required == {"prompts", "needed", "who", "options"}


def test_variables_of_a_jinja2_template_are_found_though_a_server_lists_none(make_prompt: Make) -> None:
    text = "{% for x in items %}{{ x }}{% endfor %} {{ tone | default('kind') }}"
    variant = {"model_provider": "openai", "content": "{{ topic }}"}
    prompt = make_prompt(template_format="jinja2", content=text, variables=[], model_specific_prompts=[variant])
    source = generate_module([prompt])
    assert (annotation_of(source, "items"), annotation_of(source, "topic")) == ("Value", "Value")
    assert "tone" not in source
    with pytest.raises(ValidationError, match=r"greeting\.content"):
        generate_module([make_prompt(template_format="jinja2", content="{% for", variables=[])])


def test_placeholders_take_messages_also_those_of_variants(make_prompt: Make) -> None:
    history = [{"role": "placeholder", "content": "", "name": "history"}]
    variant = {"model_provider": "openai", "content": "", "messages": [{**history[0], "name": "examples"}]}
    source = generate_module([make_prompt(messages=history, variables=["history"], model_specific_prompts=[variant])])
    assert annotation_of(source, "history") == "Messages"
    assert annotation_of(source, "examples") == "Messages"


def test_without_a_schema_any_value_is_taken(make_prompt: Make) -> None:
    assert annotation_of(generate_module([make_prompt()]), "who") == "Value"


@pytest.mark.parametrize(
    ("schema", "annotation"),
    [
        ({"type": "string"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": "null"}, "None"),
        ({}, "Value"),
        (True, "Value"),
        ({"type": "nothing known"}, "Value"),
        ({"type": ["null", "string"]}, "str | None"),
        ({"type": "array"}, "Array[Value]"),
        ({"type": "array", "items": {"type": "string"}}, "Array[str]"),
        ({"items": {"type": ["integer", "null"]}}, "Array[int | None]"),
        ({"type": "object"}, "Mapping[str, Value]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Mapping[str, int]"),
        ({"enum": ["a", "b", 1, None, True]}, "Literal['a', 'b', 1, None, True]"),
        ({"enum": [1.5, 2.5]}, "float"),
        ({"enum": ["a", {"b": 1}]}, "Value"),
        ({"const": "a"}, "Literal['a']"),
        ({"anyOf": [{"const": "auto"}, {"type": "integer"}, {"type": "null"}]}, "Literal['auto'] | int | None"),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, "str"),
        ({"anyOf": [{"type": "string"}, {}]}, "Value"),
        ({"$ref": "#/nowhere"}, "Value"),
        ({"$ref": "elsewhere.json"}, "Value"),
    ],
)
def test_each_schema_has_its_type(one: Callable[..., str], schema: Any, annotation: str) -> None:
    source = one({"x": schema}, required=("x",))
    assert annotation_of(source, "x") == annotation
    executed(source)


def test_an_object_is_a_typed_dict_with_its_required_fields(one: Callable[..., str]) -> None:
    user = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    source = one({"user": {**user, "required": ["name"]}}, required=("user",))
    module = executed(source)
    assert annotation_of(source, "user") == "GreetingUser"
    assert module.GreetingUser.__required_keys__ | module.GreetingUser.__optional_keys__ == {"name", "age"}
    assert get_type_hints(module.GreetingUser, vars(module)) == {"name": str, "age": int}


def test_a_required_field_of_which_nothing_more_is_said_can_be_given(one: Callable[..., str]) -> None:
    user = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["id"]}
    module = executed(one({"user": user}))
    assert module.GreetingUser.__annotations__.keys() == {"id", "name"}
    assert "id: Value" in one({"user": user})


def test_fields_that_are_no_names_are_kept_as_they_are(one: Callable[..., str]) -> None:
    user = {"type": "object", "properties": {"first-name": {"type": "string"}, "class": {}, "__x": {"type": "null"}}}
    module = executed(one({"user": user}))
    assert set(module.GreetingUser.__annotations__) == {"first-name", "class", "__x"}


def test_a_type_that_is_referred_to_is_written_once_and_may_hold_itself(one: Callable[..., str]) -> None:
    node = {"type": "object", "properties": {"value": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}}
    properties = {"a": {"$ref": "#/$defs/Node"}, "b": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}
    source = one(properties, required=("a", "b"), **{"$defs": {"Node": node}})
    assert annotation_of(source, "a") == "GreetingNode"
    assert annotation_of(source, "b") == "Array[GreetingNode]"
    assert source.count("class GreetingNode") == 1


def test_a_schema_that_refers_to_itself_twice_on_each_level_does_not_explode(one: Callable[..., str]) -> None:
    levels = {
        f"L{number}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/$defs/L{number + 1}"} for side in ("left", "right")},
        }
        for number in range(60)
    }
    source = one({"tree": {"$ref": "#/$defs/L0"}}, **{"$defs": levels})
    assert len(source) < 20_000


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("greeting", "greeting"),
        ("support/first-reply", "support_first_reply"),
        ("a.b:c~d", "a_b_c_d"),
        ("1st", "prompt_1st"),
        ("class", "class_"),
        ("str", "str_"),
        ("Renders", "Renders_"),
        ("R", "R_"),
        ("__all__", "__all___"),
        ("match", "match"),
        ("é", "é"),
        ("\ufb01t", "fit"),
        ("---", "prompt____"),
    ],
)
def test_every_slug_has_a_function_name(slug: str, name: str) -> None:
    assert function_name(slug) == name


def test_parameters_that_are_taken_get_underscores_and_real_names_come_first() -> None:
    variables = ["user-name", "user_name", "user.name", "version", "prompts", "1st", "lambda"]
    assert parameter_names(variables, options=["version"]) == {
        "user-name": "user_name_",
        "user_name": "user_name",
        "user.name": "user_name__",
        "version": "version_",
        "prompts": "prompts_",
        "1st": "variable_1st",
        "lambda": "lambda_",
    }


def test_two_prompts_with_one_function_name_are_refused_by_name(make_prompt: Make) -> None:
    with pytest.raises(ValidationError, match=r"'a-b' and 'a/b' would both be the function a_b"):
        generate_module([make_prompt(slug="a/b"), make_prompt(slug="a-b")])


def test_types_of_different_prompts_never_share_a_name(make_prompt: Make) -> None:
    def user(field: str) -> dict[str, Any]:
        return {"properties": {"b_c": {"properties": {field: {}}}, "c": {"properties": {field: {}}}}}

    source = generate_module(
        [make_prompt(slug=slug, variables_schema=user(slug.replace("-", "_"))) for slug in ("a", "a-b", "ABC")]
    )
    classes = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert len(classes) == len(set(classes)) == 9


def test_the_order_of_prompts_variables_and_fields_changes_nothing(make_prompt: Make) -> None:
    def prompt(slug: str, *, turn: int) -> PromptResponse:
        properties: dict[str, Any] = {"a": {"properties": dict.fromkeys(["x", "y"][::turn], True)}, "b": {}}
        schema = {"properties": dict(list(properties.items())[::turn])}
        return make_prompt(slug=slug, variables=["c", "d"][::turn], variables_schema=schema)

    first = generate_module([prompt("one", turn=1), prompt("two", turn=1)])
    assert first == generate_module([prompt("two", turn=-1), prompt("one", turn=-1)])


def test_the_module_says_what_it_was_made_from(make_prompt: Make) -> None:
    source = generate_module([make_prompt(version="1.2.0", content_hash="ab" * 32)])
    assert source.startswith("# @generated by `promptops prompts codegen`")
    assert f"# greeting 1.2.0 {'ab' * 32}\n" in source


def test_no_prompts_are_an_empty_module() -> None:
    module = executed(generate_module([]))
    assert module.__all__ == []


def test_every_option_of_a_render_is_an_option_of_the_function() -> None:
    taken = set(inspect.signature(AsyncPrompts.render).parameters) - {"self", "name", "variables"}
    assert set(RenderOptions.__annotations__) == taken
    assert taken <= set(inspect.signature(Renders[Any].render).parameters)


HOSTILE = st.text(st.sampled_from("\"'\\\n\r\t\x00\u202e\u2028{}#abc:") | st.characters(), max_size=40)


@settings(max_examples=150, deadline=None)
@given(text=HOSTILE)
def test_texts_of_users_never_become_code(text: str) -> None:
    inner = {"type": "object", "description": text, "properties": {text: {"enum": [text, "b"]}}}
    schema = {"properties": {text: {"description": text}, "user": inner, "choice": {"const": text}}}
    source = generate_module([Spec(description=text, variables=[text, "user"], variables_schema=schema)])
    kinds = {type(node) for node in ast.parse(source).body}
    assert kinds <= {ast.Expr, ast.ImportFrom, ast.AnnAssign, ast.Assign, ast.ClassDef, ast.FunctionDef}
    module = executed(source)
    prompts = Recorder()
    name = parameter_names(sorted({text, "user", "choice"}), options=RenderOptions.__annotations__)[text]
    module.greeting(prompts, **{"user": {}, "choice": text, name: 1})
    assert prompts.calls[0][1][text] == 1
    function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    assert len(function.body) == 3


@pytest.mark.parametrize("escaped", [True, False])
def test_what_keeps_a_description_from_becoming_code_is_the_escaping(
    make_prompt: Make, monkeypatch: pytest.MonkeyPatch, escaped: bool
) -> None:
    if not escaped:  # the control
        monkeypatch.setattr(codegen, "prose", str)
    source = generate_module([make_prompt(description='"""; import os; """')])
    assert any(isinstance(node, ast.Import) for node in ast.walk(ast.parse(source))) is not escaped
