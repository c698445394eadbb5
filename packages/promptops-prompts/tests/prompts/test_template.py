"""The engine: what is a variable, what is text, and that a value is never more than a value."""

from __future__ import annotations

import time
import tracemalloc
from collections import defaultdict
from enum import Enum, IntEnum, StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.prompts._values import plain
from promptops.prompts.template import MAX_OUTPUT_BYTES, MAX_TEMPLATE_BYTES, compile_template

MUSTACHE: list[tuple[str, dict[str, Any], str | None]] = [
    ("", {}, ""),
    ("no variables", {}, "no variables"),
    ("Hello {{name}}!", {"name": "Ada"}, "Hello Ada!"),
    ("Hello {{ name }}!", {"name": "Ada"}, "Hello Ada!"),
    ("{{\n name\t}}", {"name": "Ada"}, "Ada"),
    ("{{a}}{{b}}{{a}}", {"a": "1", "b": "2"}, "121"),
    ("{{ user.name }}", {"user": {"name": "Ada"}}, "Ada"),
    ("{{ a.b.c }}", {"a": {"b": {"c": "deep"}}}, "deep"),
    (
        "{{ first-name }} {{ _x }} {{ größe }} {{ 0 }}",
        {"first-name": "A", "_x": "B", "größe": "C", "0": "D"},
        "A B C D",
    ),
    ('{"name": "{{ n }}", "list": [1, {"a": {}}]}', {"n": "x"}, '{"name": "x", "list": [1, {"a": {}}]}'),
    ('{"a": {"b": {{ v }}}}', {"v": 1}, '{"a": {"b": 1}}'),
    ("{single} ${dollar} $ { } } {", {}, "{single} ${dollar} $ { } } {"),
    ("}} alone", {}, "}} alone"),
    ("a\r\n{{ x }}\r\nb", {"x": "1\r\n2"}, "a\r\n1\r\n2\r\nb"),
    ("{{ x }}", {"x": "{{ x }}"}, "{{ x }}"),
    ("{{ x }}{{ y }}", {"x": "{{ y }}", "y": "{{ x }}"}, "{{ y }}{{ x }}"),
    ("{{{{ x }}", {"x": "1"}, None),
    ("<b>{{ x }}</b>", {"x": "<i> & \"'"}, "<b><i> & \"'</b>"),
    ("{{ x }}", {"x": "\\1 \\g<0> %s %(x)s"}, "\\1 \\g<0> %s %(x)s"),
]


@pytest.mark.parametrize(("source", "values", "expected"), MUSTACHE)
def test_mustache_gives_the_golden_text(source: str, values: dict[str, Any], expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValidationError):
            compile_template(source)
        return
    assert compile_template(source).render(values)[0] == expected


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("", {}, ""),
        ("Hello {name}!", {"name": "Ada"}, "Hello Ada!"),
        ("{ name }", {"name": "Ada"}, "Ada"),
        ('{{"a": {x}}}', {"x": 1}, '{"a": 1}'),
        ("{{{x}}}", {"x": "1"}, "{1}"),
        ("{{}}", {}, "{}"),
        ("{{x}}", {}, "{x}"),
        ("{x}", {"x": "{x} {y}"}, "{x} {y}"),
        ("{a}{b}{a}", {"a": "1", "b": "2"}, "121"),
    ],
)
def test_f_string_gives_the_golden_text(source: str, values: dict[str, Any], expected: str) -> None:
    assert compile_template(source, "f-string").render(values)[0] == expected


def test_format_none_takes_everything_as_text() -> None:
    template = compile_template("{{ a }} {b} {{# c }}", "none")
    assert template.render({}) == ("{{ a }} {b} {{# c }}", ())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (0, "0"),
        (-7, "-7"),
        (2**63 - 1, "9223372036854775807"),
        (1.5, "1.5"),
        (1.0, "1.0"),
        (1e16, "1e16"),
        ({"b": [1, None, True, "é\n"], "a": {}}, '{"b":[1,null,true,"é\\n"],"a":{}}'),
        ([], "[]"),
        ((1, "a"), '[1,"a"]'),
        (StrEnum("Word", {"A": "alpha"}).A, "alpha"),  # type: ignore[attr-defined] # made by the functional form
        (IntEnum("Number", {"A": 3}).A, "3"),  # type: ignore[attr-defined] # made by the functional form
        ([IntEnum("Number", {"A": 3}).A], "[3]"),  # type: ignore[attr-defined] # made by the functional form
    ],
)
def test_values_have_one_text(value: Any, text: str) -> None:
    assert compile_template("{{ v }}").render({"v": value})[0] == text


class Trap:
    """Everything that a template engine might call or read fails the test."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


class TrapText(str):
    __slots__ = ()

    def __len__(self) -> int:
        raise AssertionError("len was called")

    def __str__(self) -> str:
        raise AssertionError("str was called")


class TrapDict(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise AssertionError("an item was read")

    def get(self, *args: Any) -> Any:
        raise AssertionError("get was called")

    def items(self) -> Any:
        raise AssertionError("items was called")

    def __iter__(self) -> Any:
        raise AssertionError("it was iterated")


def test_nothing_of_a_value_is_called() -> None:
    template = compile_template("{{ a }} {{ b }} {{ b.x }}")
    values = {"a": TrapText("safe"), "b": TrapDict(x=TrapText("inner"))}
    assert template.render(values)[0] == 'safe {"x":"inner"} inner'


@pytest.mark.parametrize("value", ["trap", object(), b"bytes", {1, 2}, lambda: "called", Enum("E", "A"), Trap])
def test_other_objects_are_refused_and_not_touched(value: Any) -> None:
    given_value = Trap() if value == "trap" else value  # made here, because the test runner reads its parameters
    with pytest.raises(ValidationError, match="cannot be rendered") as caught:
        compile_template("{{ v }}").render({"v": given_value})
    assert caught.value.validation_errors[0]["field"] == "variables.v"


@pytest.mark.parametrize("path", ["v.__class__", "v.upper", "v.real", "v.0"])
@pytest.mark.parametrize("value", ["text", 1, [1, 2], None])
def test_paths_read_dicts_and_nothing_else(path: str, value: Any) -> None:
    with pytest.raises(ValidationError, match="missing variables"):
        compile_template("{{ " + path + " }}").render({"v": value})


def test_a_default_dict_invents_nothing() -> None:
    values: dict[str, Any] = defaultdict(str)
    with pytest.raises(ValidationError, match="missing variables: x"):
        compile_template("{{ x }}").render(values)
    with pytest.raises(ValidationError, match=r"missing variables: y\.z"):
        compile_template("{{ y.z }}").render({"y": values})


def test_all_missing_variables_are_named_at_once() -> None:
    template = compile_template("{{ a }} {{ b }} {{ c.d }} {{ c.e }} {{ a }}")
    with pytest.raises(ValidationError, match=r"missing variables: a, c\.d") as caught:
        template.render({"b": "1", "c": {"e": "2"}})
    assert [(item["field"], item["code"]) for item in caught.value.validation_errors] == [
        ("variables.a", "missing_variable"),
        ("variables.c.d", "missing_variable"),
    ]


def test_missing_and_unusable_values_are_reported_together() -> None:
    with pytest.raises(ValidationError, match=r"missing variables: a; variables\.b") as caught:
        compile_template("{{ a }} {{ b }}").render({"b": float("nan")})
    assert len(caught.value.validation_errors) == 2


def test_a_thousand_missing_variables_make_a_short_message() -> None:
    template = compile_template("".join(f"{{{{ v{number} }}}}" for number in range(1000)))
    with pytest.raises(ValidationError, match="and 980 more") as caught:
        template.render({})
    assert len(caught.value.validation_errors) == 1000


@pytest.mark.parametrize(
    ("value", "field", "reason"),
    [
        (float("nan"), "variables.v", "NaN"),
        (float("inf"), "variables.v", "infinity"),
        ({"a": [1, float("-inf")]}, "variables.v.a[1]", "infinity"),
        (2**63, "variables.v", "64 bits"),
        ([-(2**63) - 1], "variables.v[0]", "64 bits"),
        ({1: "a"}, "variables.v", "keys must be text"),
        ({"a": b"x"}, "variables.v.a", "'bytes'"),
        ("half \ud800", "variables", "surrogate"),
        (["half \ud800"], "variables.v", "surrogate"),
    ],
)
def test_values_without_a_text_are_refused_with_their_place(value: Any, field: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        compile_template("{{ v }}").render({"v": value})
    assert caught.value.validation_errors[0]["field"] == field


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def test_values_nest_16_deep_and_no_deeper() -> None:
    template = compile_template("{{ v }}")
    assert template.render({"v": nested(16)})[0] == "[" * 16 + '"bottom"' + "]" * 16
    with pytest.raises(ValidationError, match="nested more than 16 deep"):
        template.render({"v": nested(17)})


def test_a_value_within_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(ValidationError, match="within itself"):
        compile_template("{{ v }}").render({"v": value})


def test_paths_have_at_most_16_parts() -> None:
    compile_template("{{ " + ".".join("a" * 16) + " }}")
    with pytest.raises(ValidationError, match="17 parts"):
        compile_template("{{ " + ".".join("a" * 17) + " }}")


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("ab {{# x }}", "line 1, column 4", "never closed"),
        ("a\n\n {{^x}}", "line 3, column 2", "never closed"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", "line 1, column 13", "'a' is closed, but the section that is open is 'b'"),
        ("{{/x}}", "line 1, column 1", "was not opened"),
        ("{{#}}{{/}}", "line 1, column 1", "not a variable"),
        ("{{> x}}", "line 1, column 1", "resolved when a prompt is published"),
        ("{{=<% %>=}}", "line 1, column 1", "delimiters"),
        ("{{<layout}}{{/layout}}", "line 1, column 1", "inheritance"),
        ("{{$block}}{{/block}}", "line 1, column 1", "blocks"),
        ("{{! note }", "line 1, column 1", "never closed"),
        ("{{& x }}", "line 1, column 1", "never escaped"),
        ("{{{ x }}}", "line 1, column 1", "never escaped"),
        ("{{ }}", "line 1, column 1", "not a variable"),
        ("{{ a b }}", "line 1, column 1", "not a variable"),
        ("{{ .a }}", "line 1, column 1", "not a variable"),
        ("{{ a..b }}", "line 1, column 1", "not a variable"),
        ("{{ . }}", "line 1, column 1", "no section around it"),
        ("{{^x}}{{.}}{{/x}}", "line 1, column 7", "no section around it"),
        ("{{ a|upper }}", "line 1, column 1", "not a variable"),
        ("{{ a() }}", "line 1, column 1", "not a variable"),
        ("é\n{{ open", "line 2, column 1", "never closed"),
    ],
)
def test_what_mustache_does_not_know_is_refused_with_its_place(source: str, place: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        compile_template(source)
    assert place in caught.value.message
    assert caught.value.validation_errors[0]["code"] == "invalid_template"


@pytest.mark.parametrize(
    "source", ["{a.b}", "{a[0]}", "{a!r}", "{a:>10}", "{}", "{0}", "{a", "a}", "}", "{a{b}}", "{*a}", "{a b}"]
)
def test_f_strings_take_names_only(source: str) -> None:
    with pytest.raises(ValidationError):
        compile_template(source, "f-string")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValidationError, match="use one of mustache, f-string, none, jinja2") as caught:
        compile_template("x", "handlebars")
    assert caught.value.validation_errors[0]["field"] == "template_format"


def test_variables_come_in_the_order_of_their_first_use() -> None:
    template = compile_template("{{ b.x }} {{ a }} {{ b.y }} {{ a }}")
    assert template.variables == ("b", "a")
    assert template.paths == ("b.x", "a", "b.y")
    assert template.render({"a": 1, "b": {"x": 1, "y": 2}, "unused": 3})[1] == ("b", "a")


def test_a_template_is_parsed_once() -> None:
    assert compile_template("{{ once }}") is compile_template("{{ once }}")


def test_templates_have_at_most_256_kib() -> None:
    compile_template("é" * (MAX_TEMPLATE_BYTES // 2))
    with pytest.raises(ValidationError, match="bytes"):
        compile_template("é" * (MAX_TEMPLATE_BYTES // 2) + "x")
    with pytest.raises(ValidationError, match="surrogate"):
        compile_template("\udc00")


def test_texts_have_at_most_1_mib() -> None:
    template = compile_template("{{ v }}")
    assert len(template.render({"v": "x" * MAX_OUTPUT_BYTES})[0]) == MAX_OUTPUT_BYTES
    with pytest.raises(ValidationError, match="would exceed 1048576 bytes"):
        template.render({"v": "x" * (MAX_OUTPUT_BYTES + 1)})
    with pytest.raises(ValidationError, match="would exceed"):
        template.render({"v": "é" * (MAX_OUTPUT_BYTES // 2 + 1)})


def laughs() -> Any:
    value: Any = "ha"
    for _ in range(15):
        value = [value] * 10
    return value


BOMBS: list[tuple[str, Any]] = [
    ("{{ v }}" * 37_000, "x" * 1_000_000),
    ("{{ v }}" * 37_000, ["x" * 500_000]),
    ("{{ v }}", laughs()),
    ("{{ v }}", ["x" * 900_000] * 1000),
    ("{{ v }}", {f"k{number}": [None] * 1000 for number in range(1000)}),
    ("{{ v }}", [1] * 1_000_000),
    ("{{ v }}", [[None]] * 1_000_000),
    ("{{ v }}", "é" * 5_000_000),
]


@pytest.mark.parametrize(("source", "value"), BOMBS, ids=range(len(BOMBS)))
def test_bombs_stop_within_a_second(source: str, value: Any) -> None:
    template = compile_template(source)
    took: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        with pytest.raises(ValidationError):
            template.render({"v": value})
        took.append(time.thread_time() - started)
    assert min(took) < 1.0


@pytest.mark.parametrize(("source", "value"), BOMBS, ids=range(len(BOMBS)))
def test_bombs_stop_within_64_mib(source: str, value: Any) -> None:
    template = compile_template(source)
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError):
            template.render({"v": value})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
tricky = st.lists(
    st.sampled_from(["{{", "}}", "{", "}", "{{ a }}", "{{#a}}", "${a}", "%s", "\\", "\r\n", "\0", "é", '"'])
    | st.text(max_size=3)
).map("".join)


@given(tricky)
def test_a_value_is_never_scanned(value: str) -> None:
    assert compile_template("<{{ a }}|{{ b }}>").render({"a": value, "b": value})[0] == f"<{value}|{value}>"
    assert compile_template("<{a}|{b}>", "f-string").render({"a": value, "b": value})[0] == f"<{value}|{value}>"


@given(tricky)
def test_text_without_tags_survives(text: str) -> None:
    assert compile_template(text, "none").render({})[0] == text
    plain = text.replace("{{", "{ ")
    assert compile_template(plain).render({})[0] == plain
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert compile_template(escaped, "f-string").render({})[0] == text


@given(
    st.lists(tricky.map(lambda text: text.replace("{", "")), min_size=1, max_size=6),
    st.lists(json_values, min_size=5, max_size=5),
)
def test_text_around_variables_survives(texts: list[str], values: list[Any]) -> None:
    source = texts[0] + "".join(f"{{{{ v{number} }}}}{text}" for number, text in enumerate(texts[1:]))
    given_values = {f"v{number}": value for number, value in enumerate(values)}
    shown = [value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in values]
    expected = texts[0] + "".join(map("".join, zip(shown, texts[1:], strict=False)))
    assert compile_template(source).render(given_values)[0] == expected


@given(json_values)
def test_the_budget_never_refuses_what_fits(value: Any) -> None:
    size = len(value.encode() if isinstance(value, str) else msgspec.json.encode(value))
    assert plain(value, size + 2 if isinstance(value, str) else size) == value


@given(json_values)
def test_a_value_that_went_through_json_has_the_same_text(value: Any) -> None:
    template = compile_template("{{ v }}")
    again = msgspec.json.decode(msgspec.json.encode(value))
    assert template.render({"v": value}) == template.render({"v": again})


@given(tricky, st.sampled_from(["mustache", "f-string", "none"]))
def test_any_text_is_a_template_or_a_typed_error(source: str, template_format: str) -> None:
    problems: list[Any] = [None]
    try:
        compile_template(source, template_format).render({})
    except ValidationError as error:
        problems = error.validation_errors
    assert problems
