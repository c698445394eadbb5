"""The cases of the public mustache specification (mustache/spec, 9cb20c3): which the subset covers, which not, and why.

The names are those of the specification; the texts and values are our own.
"""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.prompts.template import compile_template

Case = tuple[str, dict[str, Any], str]

DEEP = {"p": {"q": {"r": {"s": {"t": {"leaf": "found"}}}}}}
INTERPOLATION: dict[str, Case] = {
    "No Interpolation": ("Plain {text} it is\n", {}, "Plain {text} it is\n"),
    "Basic Interpolation": ("Dear {{who}},\n", {"who": "Ada"}, "Dear Ada,\n"),
    "No Re-interpolation": ("{{a}} & {{b}}", {"a": "{{b}}", "b": "Mars"}, "{{b}} & Mars"),
    "Basic Integer Interpolation": ("<{{n}} times>", {"n": 7}, "<7 times>"),
    "Basic Decimal Interpolation": ("<{{n}} times>", {"n": 2.5}, "<2.5 times>"),
    "Dotted Names - Basic Interpolation": ("{{u.n}}={{#u}}{{n}}{{/u}}", {"u": {"n": "Ada"}}, "Ada=Ada"),
    "Dotted Names - Arbitrary Depth": ("{{p.q.r.s.t.leaf}}", DEEP, "found"),
    "Dotted Names - Initial Resolution": (
        "{{#p}}{{q.r.s.t.leaf}}{{/p}}",
        {**DEEP, "q": {"r": {"s": {"t": {"leaf": "the outer one"}}}}},
        "found",
    ),
    "Dotted Names - No Masking": ("{{k.l}}", {"k.l": "flat", "k": {"l": "nested"}}, "nested"),
    "Interpolation - Surrounding Whitespace": ("> {{w}} <", {"w": "==="}, "> === <"),
    "Interpolation - Standalone": ("\t {{w}}\n", {"w": "==="}, "\t ===\n"),
    "Interpolation With Padding": (">{{  w }}<", {"w": "==="}, ">===<"),
}
SECTIONS: dict[str, Case] = {
    "Truthy": ("<{{#on}}there{{/on}}>", {"on": True}, "<there>"),
    "Falsey": ("<{{#on}}not there{{/on}}>", {"on": False}, "<>"),
    "Null is falsey": ("<{{#none}}not there{{/none}}>", {"none": None}, "<>"),
    "Context": ("<{{#user}}{{name}} is in{{/user}}>", {"user": {"name": "Ada"}}, "<Ada is in>"),
    "Parent contexts": (
        "{{#inner}}{{x}}/{{y}}/{{z.w}}{{/inner}}",
        {"x": 1, "y": "outer", "inner": {"y": 2}, "z": {"w": 3}},
        "1/2/3",
    ),
    "Variable test": ("{{#word}}{{.}}={{word}}{{/word}}", {"word": "yes"}, "yes=yes"),
    "List Contexts": (
        "{{#as}}{{#bs}}{{a.x}}{{b}}:{{#cs}}{{a.y}}{{b}}{{c}},{{/cs}}{{/bs}}{{/as}}",
        {"as": [{"a": {"x": "u", "y": "v"}, "bs": [{"b": 1, "cs": [{"c": "m"}, {"c": "n"}]}]}]},
        "u1:v1m,v1n,",
    ),
    "Deeply Nested Contexts": (
        "{{#a}}\n{{x}}\n{{#b}}\n{{x}}{{y}}\n{{#c}}\n{{x}}{{y}}{{z}}\n{{#d}}\n{{y}}{{z}}{{v}}{{.}}\n{{/d}}\n{{z}}\n{{/c}}\n{{/b}}\n{{/a}}\n",
        {"a": {"x": 1}, "b": {"y": 2}, "c": {"z": 3, "d": 4, "v": 5}},
        "1\n12\n123\n2354\n3\n",
    ),
    "List": ("<{{#l}}{{n}};{{/l}}>", {"l": [{"n": 4}, {"n": 5}]}, "<4;5;>"),
    "Empty List": ("<{{#l}}something{{/l}}>", {"l": []}, "<>"),
    "Doubled": ("{{#on}}\n- a\n{{/on}}\n- {{b}}\n{{#on}}\n- c\n{{/on}}\n", {"on": True, "b": "b"}, "- a\n- b\n- c\n"),
    "Nested (Truthy)": ("1 {{#on}}2 {{#on}}3{{/on}} 4{{/on}} 5", {"on": True}, "1 2 3 4 5"),
    "Nested (Falsey)": ("1 {{#on}}2 {{#on}}3{{/on}} 4{{/on}} 5", {"on": False}, "1  5"),
    "Implicit Iterator - String": ("{{#l}}<{{.}}>{{/l}}", {"l": ["x", "y"]}, "<x><y>"),
    "Implicit Iterator - Integer": ("{{#l}}<{{.}}>{{/l}}", {"l": [8, 9]}, "<8><9>"),
    "Implicit Iterator - Decimal": ("{{#l}}<{{.}}>{{/l}}", {"l": [0.5, 1.25]}, "<0.5><1.25>"),
    "Implicit Iterator - Array": (
        "{{#l}}<{{#.}}{{.}}{{/.}}>{{/l}}",
        {"l": [[1, 2], ["x"], []]},
        "<12><x><>",
    ),
    "Dotted Names - Truthy": ("<{{#a.b.c}}in{{/a.b.c}}>", {"a": {"b": {"c": True}}}, "<in>"),
    "Dotted Names - Falsey": ("<{{#a.b.c}}in{{/a.b.c}}>", {"a": {"b": {"c": False}}}, "<>"),
    "Dotted Names - Broken Chains": ("<{{#a.b.c}}in{{/a.b.c}}>", {"a": {}}, "<>"),
    "Surrounding Whitespace": ("> {{#on}}\t=\t{{/on}} < \n", {"on": True}, "> \t=\t < \n"),
    "Internal Whitespace": ("> {{#on}} {{! a note }}\n {{/on}} < \n", {"on": True}, ">  \n  < \n"),
    "Indented Inline Sections": (" {{#on}}A{{/on}}\n {{#on}}B{{/on}}\n", {"on": True}, " A\n B\n"),
    "Standalone Lines": ("1\n{{#on}}\n2\n{{/on}}\n3\n", {"on": True}, "1\n2\n3\n"),
    "Indented Standalone Lines": ("1\n  {{#on}}\n2\n\t{{/on}}\n3\n", {"on": True}, "1\n2\n3\n"),
    "Standalone Line Endings": ("1\r\n{{#on}}\r\n{{/on}}\r\n2", {"on": True}, "1\r\n2"),
    "Standalone Without Previous Line": ("  {{#on}}\n1{{/on}}\n2", {"on": True}, "1\n2"),
    "Standalone Without Newline": ("1{{#on}}\n2\n  {{/on}}", {"on": True}, "1\n2\n"),
    "Padding": ("<{{# on }}1{{/ on }}>", {"on": True}, "<1>"),
}
INVERTED: dict[str, Case] = {
    "Falsey": ("<{{^on}}there{{/on}}>", {"on": False}, "<there>"),
    "Truthy": ("<{{^on}}not there{{/on}}>", {"on": True}, "<>"),
    "Null is falsey": ("<{{^none}}there{{/none}}>", {"none": None}, "<there>"),
    "Context": ("<{{^user}}{{name}} is out{{/user}}>", {"user": {"name": "Ada"}}, "<>"),
    "List": ("<{{^l}}{{n}}{{/l}}>", {"l": [{"n": 4}, {"n": 5}]}, "<>"),
    "Empty List": ("<{{^l}}nothing{{/l}}>", {"l": []}, "<nothing>"),
    "Doubled": ("{{^on}}\n- a\n{{/on}}\n- {{b}}\n{{^on}}\n- c\n{{/on}}\n", {"on": False, "b": "b"}, "- a\n- b\n- c\n"),
    "Nested (Falsey)": ("1 {{^on}}2 {{^on}}3{{/on}} 4{{/on}} 5", {"on": False}, "1 2 3 4 5"),
    "Nested (Truthy)": ("1 {{^on}}2 {{^on}}3{{/on}} 4{{/on}} 5", {"on": True}, "1  5"),
    "Dotted Names - Truthy": ("<{{^a.b.c}}out{{/a.b.c}}>", {"a": {"b": {"c": True}}}, "<>"),
    "Dotted Names - Falsey": ("<{{^a.b.c}}out{{/a.b.c}}>", {"a": {"b": {"c": False}}}, "<out>"),
    "Dotted Names - Broken Chains": ("<{{^a.b.c}}out{{/a.b.c}}>", {"a": {}}, "<out>"),
    "Surrounding Whitespace": ("> {{^on}}\t=\t{{/on}} < \n", {"on": False}, "> \t=\t < \n"),
    "Internal Whitespace": ("> {{^on}} {{! a note }}\n {{/on}} < \n", {"on": False}, ">  \n  < \n"),
    "Indented Inline Sections": (" {{^on}}A{{/on}}\n {{^on}}B{{/on}}\n", {"on": False}, " A\n B\n"),
    "Standalone Lines": ("1\n{{^on}}\n2\n{{/on}}\n3\n", {"on": False}, "1\n2\n3\n"),
    "Standalone Indented Lines": ("1\n  {{^on}}\n2\n\t{{/on}}\n3\n", {"on": False}, "1\n2\n3\n"),
    "Standalone Line Endings": ("1\r\n{{^on}}\r\n{{/on}}\r\n2", {"on": False}, "1\r\n2"),
    "Standalone Without Previous Line": ("  {{^on}}\n1{{/on}}\n2", {"on": False}, "1\n2"),
    "Standalone Without Newline": ("1{{^on}}\n2\n  {{/on}}", {"on": False}, "1\n2\n"),
    "Padding": ("<{{^ on }}1{{/ on }}>", {"on": False}, "<1>"),
}
COMMENTS: dict[str, Case] = {
    "Inline": ("ab{{! a note }}cd", {}, "abcd"),
    "Multiline": ("ab{{!\n  a note\n  of lines\n}}cd\n", {}, "abcd\n"),
    "Standalone": ("1\n{{! a note }}\n2\n", {}, "1\n2\n"),
    "Indented Standalone": ("1\n  {{! a note }}\n2\n", {}, "1\n2\n"),
    "Standalone Line Endings": ("1\r\n{{! a note }}\r\n2", {}, "1\r\n2"),
    "Standalone Without Previous Line": ("  {{! a note }}\n2", {}, "2"),
    "Standalone Without Newline": ("1\n  {{! a note }}", {}, "1\n"),
    "Multiline Standalone": ("1\n{{!\na note\nof lines\n}}\n2\n", {}, "1\n2\n"),
    "Indented Multiline Standalone": ("1\n  {{!\n    a note\n  }}\n2\n", {}, "1\n2\n"),
    "Indented Inline": ("  ab {{! cd }}\n", {}, "  ab \n"),
    "Surrounding Whitespace": ("ab {{! a note }} cd", {}, "ab  cd"),
    "Variable Name Collision": ("<{{! note }}>", {"! note": 1, "!note": 2, "note": 3}, "<>"),
}
COVERED = {"interpolation": INTERPOLATION, "sections": SECTIONS, "inverted": INVERTED, "comments": COMMENTS}

NO_ESCAPING = "prompts are no HTML: a value goes into the text as it is"
NO_TRIPLE = "without escaping there is nothing to switch off, and '{{{' is also a brace of JSON before a variable"
NO_AMPERSAND = "without escaping there is nothing to switch off"
STRICT = "what is printed has to be there: a misspelt name must not become a gap in a prompt"
STRICT_SECTION = "a variable that a section tests has to be given: a misspelt name must not switch a part off"
NULL = "None is the text null, as everywhere in the contract"
ROOT = "a render gets names and values, so there is no value without a name, and '.' means something in sections alone"

# What happens instead: a text, or what the error says.
LEFT_OUT: dict[tuple[str, str], tuple[str, str, dict[str, Any], str]] = {
    ("interpolation", "HTML Escaping"): (NO_ESCAPING, "{{h}}", {"h": '<&">'}, '<&">'),
    ("interpolation", "Triple Mustache"): (NO_TRIPLE, "{{{h}}}", {"h": "<"}, "!never escaped"),
    ("interpolation", "Ampersand"): (NO_AMPERSAND, "{{&h}}", {"h": "<"}, "!never escaped"),
    ("interpolation", "Triple Mustache Integer Interpolation"): (NO_TRIPLE, "{{{n}}}", {"n": 1}, "!never escaped"),
    ("interpolation", "Ampersand Integer Interpolation"): (NO_AMPERSAND, "{{&n}}", {"n": 1}, "!never escaped"),
    ("interpolation", "Triple Mustache Decimal Interpolation"): (NO_TRIPLE, "{{{n}}}", {"n": 1.5}, "!never escaped"),
    ("interpolation", "Ampersand Decimal Interpolation"): (NO_AMPERSAND, "{{&n}}", {"n": 1.5}, "!never escaped"),
    ("interpolation", "Basic Null Interpolation"): (NULL, "<{{n}}>", {"n": None}, "<null>"),
    ("interpolation", "Triple Mustache Null Interpolation"): (NO_TRIPLE, "{{{n}}}", {"n": None}, "!never escaped"),
    ("interpolation", "Ampersand Null Interpolation"): (NO_AMPERSAND, "{{&n}}", {"n": None}, "!never escaped"),
    ("interpolation", "Basic Context Miss Interpolation"): (STRICT, "{{n}}", {}, "!missing variables: n"),
    ("interpolation", "Triple Mustache Context Miss Interpolation"): (NO_TRIPLE, "{{{n}}}", {}, "!never escaped"),
    ("interpolation", "Ampersand Context Miss Interpolation"): (NO_AMPERSAND, "{{&n}}", {}, "!never escaped"),
    ("interpolation", "Dotted Names - Triple Mustache Interpolation"): (
        NO_TRIPLE,
        "{{{u.n}}}",
        {"u": {"n": 1}},
        "!never escaped",
    ),
    ("interpolation", "Dotted Names - Ampersand Interpolation"): (
        NO_AMPERSAND,
        "{{&u.n}}",
        {"u": {"n": 1}},
        "!never escaped",
    ),
    ("interpolation", "Dotted Names - Broken Chains"): (
        STRICT,
        "{{k.l.m}}",
        {"k": {}},
        r"!missing variables: k\.l\.m",
    ),
    ("interpolation", "Dotted Names - Broken Chain Resolution"): (
        STRICT,
        "{{k.l.m.n}}",
        {"k": {"l": {}}, "m": {"n": 1}},
        r"!missing variables: k\.l\.m\.n",
    ),
    ("interpolation", "Dotted Names - Context Precedence"): (
        STRICT,
        "{{#k}}{{l.m}}{{/k}}",
        {"k": {"l": {}}, "l": {"m": "of the outer one"}},
        r"!missing variables: l\.m",
    ),
    ("interpolation", "Dotted Names are never single keys"): (
        STRICT,
        "{{k.l}}",
        {"k.l": 1},
        r"!missing variables: k\.l",
    ),
    ("interpolation", "Implicit Iterators - Basic Interpolation"): (ROOT, "{{.}}", {}, "!no section around it"),
    ("interpolation", "Implicit Iterators - HTML Escaping"): (ROOT, "{{.}}", {}, "!no section around it"),
    ("interpolation", "Implicit Iterators - Triple Mustache"): (NO_TRIPLE, "{{{.}}}", {}, "!never escaped"),
    ("interpolation", "Implicit Iterators - Ampersand"): (NO_AMPERSAND, "{{&.}}", {}, "!never escaped"),
    ("interpolation", "Implicit Iterators - Basic Integer Interpolation"): (ROOT, "{{.}}", {}, "!no section around it"),
    ("interpolation", "Triple Mustache - Surrounding Whitespace"): (
        NO_TRIPLE,
        "> {{{w}}} <",
        {"w": 1},
        "!never escaped",
    ),
    ("interpolation", "Ampersand - Surrounding Whitespace"): (NO_AMPERSAND, "> {{&w}} <", {"w": 1}, "!never escaped"),
    ("interpolation", "Triple Mustache - Standalone"): (NO_TRIPLE, "  {{{w}}}\n", {"w": 1}, "!never escaped"),
    ("interpolation", "Ampersand - Standalone"): (NO_AMPERSAND, "  {{&w}}\n", {"w": 1}, "!never escaped"),
    ("interpolation", "Triple Mustache With Padding"): (NO_TRIPLE, ">{{{ w }}}<", {"w": 1}, "!never escaped"),
    ("interpolation", "Ampersand With Padding"): (NO_AMPERSAND, ">{{& w }}<", {"w": 1}, "!never escaped"),
    ("sections", "Context Misses"): (STRICT_SECTION, "<{{#on}}x{{/on}}>", {}, "!missing variables: on"),
    ("sections", "Implicit Iterator - HTML Escaping"): (NO_ESCAPING, "{{#l}}{{.}}{{/l}}", {"l": ["<", "&"]}, "<&"),
    ("sections", "Implicit Iterator - Triple mustache"): (
        NO_TRIPLE,
        "{{#l}}{{{.}}}{{/l}}",
        {"l": ["<"]},
        "!never escaped",
    ),
    ("sections", "Implicit Iterator - Ampersand"): (NO_AMPERSAND, "{{#l}}{{&.}}{{/l}}", {"l": ["<"]}, "!never escaped"),
    ("sections", "Implicit Iterator - Root-level"): (ROOT, "{{#.}}{{v}}{{/.}}", {}, "!no section around it"),
    ("inverted", "Context Misses"): (STRICT_SECTION, "<{{^on}}x{{/on}}>", {}, "!missing variables: on"),
}

# Whole modules that the subset has nothing of: why, how it is refused, and their cases.
MODULES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "partials": (
        "a prompt includes another with its version, resolved when it is published; the engine sees the result",
        "!resolved when a prompt is published",
        (
            "Basic Behavior",
            "Failed Lookup",
            "Context",
            "Recursion",
            "Nested",
            "Surrounding Whitespace",
            "Inline Indentation",
            "Standalone Line Endings",
            "Standalone Without Previous Line",
            "Standalone Without Newline",
            "Standalone Indentation",
            "Padding Whitespace",
        ),
    ),
    "delimiters": (
        "a text whose tags change half-way cannot be read at a glance, and a value's braces need no other tags",
        "!other delimiters",
        (
            "Pair Behavior",
            "Special Characters",
            "Sections",
            "Inverted Sections",
            "Partial Inheritence",
            "Post-Partial Behavior",
            "Surrounding Whitespace",
            "Outlying Whitespace (Inline)",
            "Standalone Tag",
            "Indented Standalone Tag",
            "Standalone Line Endings",
            "Standalone Without Previous Line",
            "Standalone Without Newline",
            "Pair with Padding",
        ),
    ),
    "lambdas": (
        "a value is data: nothing of it is ever called",
        "!cannot be rendered",
        (
            "Interpolation",
            "Interpolation - Expansion",
            "Interpolation - Alternate Delimiters",
            "Interpolation - Multiple Calls",
            "Escaping",
            "Section",
            "Section - Expansion",
            "Section - Alternate Delimiters",
            "Section - Multiple Calls",
            "Inverted Section",
        ),
    ),
    "inheritance": (
        "parents are partials with holes; what partials are for is inclusion with a version, on publish",
        "!inheritance",
        (
            "Default",
            "Variable",
            "Triple Mustache",
            "Sections",
            "Negative Sections",
            "Mustache Injection",
            "Inherit",
            "Overridden content",
            "Data does not override block",
            "Data does not override block default",
            "Overridden parent",
            "Two overridden parents",
            "Override parent with newlines",
            "Inherit indentation",
            "Only one override",
            "Parent template",
            "Recursion",
            "Multi-level inheritance",
            "Multi-level inheritance, no sub child",
            "Text inside parent",
            "Text inside parent",
            "Block scope",
            "Standalone parent",
            "Standalone block",
            "Block reindentation",
            "Intrinsic indentation",
            "Nested block reindentation",
        ),
    ),
    "dynamic-names": (
        "a value that chooses a text to include would be a value that is read as a template",
        "!resolved when a prompt is published",
        (
            "Basic Behavior - Partial",
            "Basic Behavior - Name Resolution",
            "Context Misses - Partial",
            "Failed Lookup - Partial",
            "Context",
            "Dotted Names",
            "Dotted Names - Operator Precedence",
            "Dotted Names - Failed Lookup",
            "Dotted names - Context Stacking",
            "Dotted names - Context Stacking Under Repetition",
            "Dotted names - Context Stacking Failed Lookup",
            "Recursion",
            "Dynamic Names - Double Dereferencing",
            "Dynamic Names - Composed Dereferencing",
            "Surrounding Whitespace",
            "Inline Indentation",
            "Standalone Line Endings",
            "Standalone Without Previous Line",
            "Standalone Without Newline",
            "Standalone Indentation",
            "Padding Whitespace",
        ),
    ),
}
SAMPLES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "partials": [("{{>other}}", {}), ("a\n  {{> other }}\nb", {})],
    "delimiters": [("{{=<% %>=}}<% a %>", {"a": 1}), ("  {{= | | =}}\n", {})],
    "lambdas": [("{{f}}", {"f": lambda: "called"}), ("{{#f}}x{{/f}}", {"f": str}), ("{{^f}}x{{/f}}", {"f": print})],
    "inheritance": [("{{<parent}}{{$block}}x{{/block}}{{/parent}}", {})],
    "dynamic-names": [("{{>*name}}", {"name": "other"}), ("{{> * a.b }}", {"a": {"b": "other"}})],
}
SIZES = {
    "interpolation": 42,
    "sections": 34,
    "inverted": 22,
    "comments": 12,
    "partials": 12,
    "delimiters": 14,
    "lambdas": 10,
    "inheritance": 27,
    "dynamic-names": 21,
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{module}: {name}") for module, cases in COVERED.items() for name, case in cases.items()],
)
def test_covered_cases_give_the_text_of_the_specification(case: Case) -> None:
    source, values, expected = case
    assert compile_template(source).render(values)[0] == expected


@pytest.mark.parametrize("key", [pytest.param(key, id=": ".join(key)) for key in LEFT_OUT])
def test_what_is_left_out_does_what_the_table_says(key: tuple[str, str]) -> None:
    reason, source, values, outcome = LEFT_OUT[key]
    assert reason
    expect(source, values, outcome)


@pytest.mark.parametrize(
    ("module", "sample"), [(module, sample) for module, samples in SAMPLES.items() for sample in samples]
)
def test_whole_modules_that_are_left_out_are_refused(module: str, sample: tuple[str, dict[str, Any]]) -> None:
    expect(*sample, MODULES[module][1])


@pytest.mark.parametrize(("module", "size"), SIZES.items())
def test_every_case_of_the_specification_is_accounted_for(module: str, size: int) -> None:
    covered = list(COVERED.get(module, ()))
    left_out = [name for of, name in LEFT_OUT if of == module]
    whole = MODULES[module][2] if module in MODULES else ()
    assert len(covered) + len(left_out) + len(whole) == size
    assert not set(covered) & set(left_out)


def expect(source: str, values: dict[str, Any], outcome: str) -> None:
    """A text, or an error that says what follows the ``!``."""
    if outcome.startswith("!"):
        with pytest.raises(ValidationError, match=outcome[1:]):
            compile_template(source).render(values)
    else:
        assert compile_template(source).render(values)[0] == outcome
