"""Templates of the format jinja2: they do what jinja2 does, and what they do not do is refused with a reason."""

from __future__ import annotations

import builtins
import subprocess
import sys
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.prompts.template import FORMATS, MAX_OUTPUT_BYTES, SERVER_FORMATS, Work, compile_template

VALUES: dict[str, Any] = {
    "name": "Ada",
    "text": 'one two\nthree <four> "five"',
    "n": 7,
    "x": 2.5,
    "on": True,
    "l": [3, 1, 2],
    "words": ["b", "A", "c"],
    "users": [{"name": "Ada", "tags": ["x", "y"]}, {"name": "Bob", "tags": []}],
    "d": {"k": {"m": "deep"}, "a-b": 1},
}
SAME: list[str] = [
    "plain { } }} text",
    "Hello {{ name }}!",
    "{{ d.k.m }} {{ d['k']['m'] }} {{ d['a-b'] }} {{ l[0] }} {{ l[-1] }} {{ name[1] }}",
    "{{ name[1:] }} {{ l[:2] | join }} {{ text[::-1] }}",
    "{{ n + 1 }} {{ n - x }} {{ n * 2 }} {{ n / 2 }} {{ n // 2 }} {{ n % 4 }} {{ -n }} {{ +x }} {{ 'ab' * 3 }}",
    "{{ 'a' + 'b' }} {{ ([1] + [2]) | join }} {{ (l + l) | length }} {{ n ~ name ~ x }}",
    "{% if n > 3 and not x > 3 or name == 'Bob' %}yes{% elif on %}no{% else %}never{% endif %}",
    "{{ 'a' if n == 7 else 'b' }} {{ 'a' if n != 7 else 'b' }}",
    "{% if 1 < n <= 7 %}in{% endif %}{% if 'd' in name %}d{% endif %}{% if 'z' not in name %}no z{% endif %}",
    "{% if 2 in l %}two{% endif %}{% if 'k' in d %}k{% endif %}{% if [1] in [[1]] %}nested{% endif %}",
    "{% for u in users %}{{ loop.index }}/{{ loop.length }}{{ u.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for u in users if u.tags %}{{ u.name }}{% for t in u.tags %} {{ loop.index0 }}{{ t }}{% endfor %}{% endfor %}",
    "{% for x in [] %}never{% else %}empty{% endfor %}{% for k in d %}{{ k }};{% endfor %}",
    "{% for a, b in [(1, 2), (3, 4)] %}{{ a }}-{{ b }} {% endfor %}{% for i in range(1, 8, 3) %}{{ i }}{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2} | items %}{{ k }}={{ v }};{% endfor %}{{ loop.index if loop is defined else '' }}",
    "{% set y = n * 2 %}{{ y }}{% for i in l %}{% set y = i %}{{ y }}{% endfor %}{{ y }}",
    "{{ name | upper | lower | title }} {{ text | capitalize }} {{ '  a ' | trim }} {{ '-a-' | trim('-') }}",
    "{{ text | replace('o', '0') }} {{ text | replace('o', '0', 1) }} {{ text | indent }} {{ text | indent(2, true) }}",
    "{{ l | sort | join(',') }} {{ l | sort(reverse=true) | join('-') }} {{ words | sort | join }} {{ l | sum }}",
    "{{ l | first }} {{ l | last }} {{ l | min }} {{ l | max }} {{ l | length }} {{ l | reverse | list | join }}",
    "{{ [1, 2, 1, 3] | unique | join(',') }} {{ name | reverse }} {{ name | list | join('.') if false else '' }}",
    "{{ '7' | int + 1 }} {{ 'x' | int }} {{ '2.5' | float }} {{ 7.9 | int }} {{ 2.567 | round(2) }} {{ -3 | abs }}",
    "{{ none_given | default('fallback') }} {{ '' | default('empty', true) }} {{ 3 | string + '!' }}",
    "{% if none_given is undefined and name is string and n is odd and d is mapping and l is sequence %}all{% endif %}",
    "{% raw %}{{ not }} {% a tag %}{% endraw %}{# a comment #}",
    "a\n{%- if on %}  b\n{% endif -%}\n c",
    "line\n{{ name }}\n",
]


def render(source: str, **values: Any) -> str:
    return compile_template(source, "jinja2").render(values)[0]


def problems_of(source: str, **values: Any) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        render(source, **values)
    return caught.value.validation_errors


@pytest.mark.parametrize("source", SAME)
def test_what_is_allowed_does_what_jinja2_does(source: str) -> None:
    plain = jinja2.Environment(keep_trailing_newline=True)
    assert render(source, **VALUES) == plain.from_string(source).render(VALUES)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), ({"b": [1, None]}, '{"b":[1,null]}'), ((1, "a"), '[1,"a"]'), (1e16, "1e16")],
)
def test_values_have_the_text_of_every_other_format(value: Any, text: str) -> None:
    assert render("{{ v }} {{ v ~ '' }} {{ [v] | join }} {{ v | string }}", v=value) == " ".join([text] * 4)
    assert compile_template("{{ v }}").render({"v": value})[0] == text


def test_values_are_never_templates() -> None:
    assert render("{{ a }}{% set b = a %}{{ b ~ a }}", a="{{ 7 * 7 }}{% x %}{# c #}") == "{{ 7 * 7 }}{% x %}{# c #}" * 3


def test_long_runs_of_digits_are_text() -> None:
    assert render("{{ v }}" + "0" * 9000, v="x") == "x" + "0" * 9000


def test_line_ends_survive() -> None:
    assert render("a\r\n{{ v }}\r\nb\r\n", v="1\r\n2\n") == "a\r\n1\r\n2\n\r\nb\r\n"
    assert render("a\n{{ v }}\n", v="\r\n") == "a\n\r\n\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a\r\n{{ v }}\nb\rc\r\n\r", "a\r\n1\nb\rc\r\n\r"),
        ("{% if v %}\r\nx\n{% endif %}\r\n", "\r\nx\n\r\n"),
        ("a \r\n{%- if v -%}\r\n x \r\n{%- endif -%}\r\nb", "axb"),
        ("{{ v\r\n}}{#\r\n#}{{ 'a\r\nb' }}\n", "1a\r\nb\n"),
        ("{{ 'a\\\r\nb' }}\r\n\n", "ab\r\n\n"),
        ("{{ 'a\\\rb' }}\r\n\n", "ab\r\n\n"),
        ("{{ 'a\\\\\r\nb' }}{{ 'a\\\\\\\r\nb' }}\n", "a\\\r\nba\\b\n"),
        ("C:\\\r\n{{ 'a\\\r\nb' }}\n", "C:\\\r\nab\n"),
        ("{% raw %}\r\n{{ }}\n{% endraw %}\r", "\r\n{{ }}\n\r"),
        ("{{ '\\x1c' }}\r\n\n", "\x1c\r\n\n"),
        ("\x1c\x1d{{ v }}\r\n\n", "\x1c\x1d1\r\n\n"),
        ("C:\\\r\n\n", "C:\\\r\n\n"),
    ],
)
def test_mixed_line_ends_are_those_that_were_written(template: str, expected: str) -> None:
    assert render(template, v=1) == expected


def test_a_text_that_has_no_blank_left_for_its_carriage_returns_is_refused() -> None:
    blanks = "\x1c\x1d\x1e\x1f\x0b\x0c\x85\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
    assert render(f"{blanks}\n") == f"{blanks}\n"
    with pytest.raises(ValidationError, match="carriage returns"):
        render(f"{blanks}\r\n")


def test_all_missing_variables_are_named_at_once() -> None:
    found = problems_of("{{ b }}{% for x in a %}{{ x }}{{ c.d }}{% endfor %}{% if e %}{{ f }}{% endif %}", e=False)
    assert [(item["field"], item["code"]) for item in found] == [
        ("variables.b", "missing_variable"),
        ("variables.a", "missing_variable"),
        ("variables.c", "missing_variable"),
        ("variables.f", "missing_variable"),
    ]


def test_a_missing_key_is_a_missing_variable_with_its_path() -> None:
    assert [item["field"] for item in problems_of("{{ a.b.c }}", a={"b": {}})] == ["variables.a.b.c"]
    assert [item["field"] for item in problems_of("{{ a['b'][1] }}", a={"b": [0]})] == ["variables.a.b.1"]
    assert render("{{ a.b | default('none') }} {{ a.b is defined }}", a={}) == "none false"


def test_variables_are_what_must_be_given_and_guarded_names_are_optional() -> None:
    template = compile_template(
        "{% set s = a %}{% for i in b.c %}{{ i }}{{ loop.index }}{{ range(d) }}{% endfor %}"
        "{% if e is defined %}{{ e }}{% endif %}{{ f | default(g) }}{{ s }}",
        "jinja2",
    )
    assert template.variables == ("a", "b", "d", "g")
    assert template.optional == ("e", "f")
    given_values: dict[str, Any] = {"a": 1, "b": {"c": []}, "d": 1, "g": 2, "e": 3, "unused": object()}
    assert template.render(given_values) == ("321", ("a", "b", "d", "e", "g"))


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("a\n{{ x", 2, "unexpected end"),
        ("{% for %}", 1, "line 1"),
        ("\n\n{% include 'x' %}", 3, "'include'"),
        ("{% import 'x' as y %}", 1, "'import'"),
        ("{% from 'x' import y %}", 1, "'import'"),
        ("{% extends 'x' %}", 1, "'extends'"),
        ("{% block x %}{% endblock %}", 1, "'block'"),
        ("{% macro f() %}{% endmacro %}", 1, "'macro'"),
        ("{% call f() %}{% endcall %}", 1, "'call'"),
        ("{% filter upper %}x{% endfilter %}", 1, "'filter' as a block"),
        ("{% set x %}a{% endset %}", 1, "'set' as a block"),
        ("{% with x = 1 %}{% endwith %}", 1, "'with'"),
        ("{% autoescape true %}{% endautoescape %}", 1, "not allowed"),
        ("{% set a, b = 1, 2 %}", 1, "one plain name"),
        ("{% set ns.x = 1 %}", 1, "one plain name"),
        ("{% for x in l recursive %}{% endfor %}", 1, "recursive"),
        ("{% do x.append(1) %}", 1, "do"),
        ("{{ f() }}", 1, "nothing can be called"),
        ("{{ d.items() }}", 1, "use a filter"),
        ("{{ range() }}", 1, "'range' takes"),
        ("{{ range(*l) }}", 1, "'range' takes"),
        ("{{ x | nosuch }}", 1, "no filter 'nosuch'"),
        ("{{ x | attr('y') }}", 1, "no filter 'attr'"),
        ("{{ x is callable }}", 1, "no test 'callable'"),
        ("{{ x is divisibleby(2) }}", 1, "no test"),
        ("{{ x | join(*l) }}", 1, "unpacked"),
        ("{{ 2 ** 3 }}", 1, r"'\*\*'"),
        ("{{ 'a' if x }}", 1, "'else'"),
        ("{{ self }}", 1, "'self'"),
        ("{{ super() }}", 1, "nothing can be called"),
        (f"{{{{ {2**63} }}}}", 1, "64 bits"),
        ("{{ 1e999 }}", 1, "too large"),
        ("{% if a %}" * 17 + "{% endif %}" * 17, 1, "nested too deeply"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", 1, "nested too deeply"),
        ("{{ " + "-" * 100 + "1 }}", 1, "nested too deeply"),
        ("{{ " + "9" * 4500 + " }}", 1, "too many digits"),
        ("{{ a }}\n{{ 0x" + "f" * 4500 + " }}", 2, "too many digits"),
        ("{{ a }}" * 5001, 1, "parts|tokens"),
        ("{{ " + "+".join("a" * 20000) + " }}", 1, "tokens"),
    ],
)
def test_what_is_not_on_the_list_is_refused_with_its_line(source: str, line: int, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        compile_template(source, "jinja2")
    problem = caught.value.validation_errors[0]
    assert problem["field"] == "content"
    assert problem["code"] == "invalid_template"
    assert problem["message"].startswith(f"line {line}:")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ 'a' + 1 }}", "does not take these types"),
        ("{{ '%s' % 1 }}", "does not take these types"),
        ("{{ 'a' - 'b' }}", "does not take these types"),
        ("{{ 'a' < 1 }}", "an order"),
        ("{{ 1 in 2 }}", "'in' takes"),
        ("{{ 1 in 'a' }}", "only a text"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 9000000000000000000 * 9 }}", "64 bits"),
        ("{{ 'nan' | float }}", "NaN"),
        ("{% for c in 'abc' %}{% endfor %}", "a list or a dict"),
        ("{% for a, b in [[1]] %}{% endfor %}", "ValueError"),
        ("{% for a in [1] %}{{ loop }}{% endfor %}", "cannot be rendered"),
        ("{% for a in [1] %}{{ loop | upper }}{% endfor %}", "'loop' is no value"),
        ("{{ {1: 2} }}", "keys must be text"),
        ("{{ [1, 'a'] | sort }}", "texts or a list of numbers"),
        ("{{ [] | first }}", "of nothing"),
        ("{{ 3 | length }}", "takes a text"),
        ("{{ 'a' | abs }}", "takes a number"),
        ("{{ [1] | tojson(indent=99) }}", "0 to 8"),
        ("{{ 'a' | upper(1) }}", "TypeError"),
        ("{{ 'x' is even }}", "takes a number"),
    ],
)
def test_an_operation_that_fails_says_where_and_shows_no_value(source: str, reason: str) -> None:
    problem = problems_of("\n" + source)[0]
    assert problem["message"].startswith("line 2 of the template")
    with pytest.raises(ValidationError, match=reason):
        render("\n" + source)


def test_messages_hold_no_values() -> None:
    for source in ("{{ v | int + v }}", "{{ v + 1 }}", "{% for a, b in [v] %}{% endfor %}", "{{ v | round }}"):
        assert "secret" not in str(problems_of(source, v="secret"))


def test_values_are_plain_data_and_limited() -> None:
    assert [item["code"] for item in problems_of("{{ a }}{{ b }}", a=object(), b=lambda: 1)] == ["invalid_value"] * 2
    assert problems_of("{{ a | length }}", a="x" * (MAX_OUTPUT_BYTES + 1))[0]["code"] == "too_large"
    assert render("{{ a | length }}", a="x" * MAX_OUTPUT_BYTES) == str(MAX_OUTPUT_BYTES)
    assert problems_of("{{ a }}{{ a }}", a="x" * 600_000)[0]["code"] == "too_large"
    assert problems_of("{{ a }}", a="\ud800")[0]["code"] == "invalid_value"


def test_a_template_cannot_change_what_it_was_given() -> None:
    values = {"l": [1, [2]], "d": {"k": [1]}}
    render("{% set x = l + [3] %}{{ x }}{{ d }}{% set d = {'k': 2} %}{{ d }}", **values)
    assert values == {"l": [1, [2]], "d": {"k": [1]}}


def test_texts_of_one_render_share_copies_and_budget() -> None:
    template = compile_template("{{ v | length }}{% for i in range(100) %}{% endfor %}", "jinja2")
    work = Work()
    values = {"v": "x" * 700_000}
    for _ in range(3):
        assert template.render(values, work)[0] == "700000"
    work.spend(6_000_000)
    with pytest.raises(ValidationError, match="too often"):
        template.render(values, work)


def test_a_template_is_parsed_once() -> None:
    assert compile_template("{{ once }}", "jinja2") is compile_template("{{ once }}", "jinja2")


def test_the_server_renders_every_format_but_jinja2() -> None:
    assert SERVER_FORMATS == ("mustache", "f-string", "none")
    assert (*SERVER_FORMATS, "jinja2") == FORMATS


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **keywords: Any) -> Any:
        if name.partition(".")[0] == "jinja2":
            raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2")
        return real(name, *args, **keywords)

    for name in [name for name in sys.modules if name.startswith("promptops.prompts._jinja")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'promptops-prompts\[jinja2\]'"):
        compile_template("{{ not_parsed_before }}", "jinja2")


def test_jinja2_is_loaded_only_for_its_own_templates() -> None:
    code = (
        "import sys; from promptops.prompts.template import compile_template; "
        "compile_template('{{#a}}{{.}}{{/a}}').render({'a': 1}); print('jinja2' in sys.modules); "
        "compile_template('{{ a }}', 'jinja2'); print('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


pieces = st.lists(
    st.sampled_from(
        ["{{ a }}", "{{ a.b }}", "{{", "}}", "{%", "%}", "if a", "for x in a", "endif", "endfor", "{#", "#}"]
    )
    | st.sampled_from(["a", "1", "'", "|", "upper", "(", ")", "[", "]", ".", "range", "loop", "set", "=", "\r\n", "é"]),
    max_size=12,
).map(" ".join)


@given(pieces, st.sampled_from([None, 1, "x", [1], {"b": [2]}]))
def test_any_text_is_a_template_or_a_typed_error(source: str, value: Any) -> None:
    problems: list[Any] = [None]
    try:
        compile_template(source, "jinja2").render({"a": value, "x": value})
    except ValidationError as error:
        problems = error.validation_errors
    assert problems
