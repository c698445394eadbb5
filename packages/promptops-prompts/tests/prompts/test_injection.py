"""Templates and values that try to run code or to read an object: nothing runs, and nothing of an object is read."""

from __future__ import annotations

import collections
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from threading import get_ident
from typing import Any

import chevron  # type: ignore[import-untyped] # ships no types
import jinja2
import pytest
from promptops.core.errors import ValidationError
from promptops.prompts.render import plain_variables, render_prompt
from promptops.prompts.template import compile_template

WATCHED = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "open",
    "socket.connect",
    "ctypes.dlopen",
    "_thread.start_new_thread",
)
READ: list[str] = []
RAN: list[str] = []
_watching: list[int] = []


def _hook(event: str, details: tuple[Any, ...]) -> None:
    # What the threads of other tests still do is no doing of a template.
    if get_ident() in _watching and event.startswith(WATCHED):
        RAN.append(f"open {details[0]}" if event == "open" else event)


sys.addaudithook(_hook)  # for the whole process, so it looks only while a test asks for it


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """The modules that are loaded by the first template and by the first error, and perhaps compiled and written."""
    for template_format in ("none", "f-string", "mustache", "jinja2"):
        compile_template("{x}{{ x }}", template_format).render({"x": "a", "": ""})
    with pytest.raises(ValidationError):
        compile_template("{% do x %}", "jinja2")


@pytest.fixture(autouse=True)
def nothing_yet(loaded: None) -> Iterator[None]:
    READ.clear()
    RAN.clear()
    _watching[:] = [get_ident()]
    yield
    _watching.clear()


SPECIAL = (
    *(
        "__str__",
        "__repr__",
        "__format__",
        "__bytes__",
        "__html__",
        "__html_format__",
        "__bool__",
        "__len__",
        "__iter__",
    ),
    *(
        "__next__",
        "__contains__",
        "__getitem__",
        "__call__",
        "__eq__",
        "__ne__",
        "__lt__",
        "__gt__",
        "__hash__",
        "__int__",
    ),
    *(
        "__float__",
        "__index__",
        "__add__",
        "__radd__",
        "__mul__",
        "__rmul__",
        "__mod__",
        "__neg__",
        "__enter__",
        "__get__",
    ),
    *("keys", "items", "values", "get", "__reversed__", "__length_hint__", "__fspath__", "__missing__", "__copy__"),
    *("__reduce__", "__reduce_ex__", "__deepcopy__", "__dir__", "__sizeof__", "__instancecheck__", "__unicode__"),
)


def _recording(name: str) -> Callable[..., Any]:
    def method(*_: Any, **__: Any) -> Any:
        READ.append(name)
        raise AssertionError(f"{name} was called")

    return method


def _attribute(self: object, name: str) -> Any:
    READ.append(name)
    return object.__getattribute__(self, name)


def recorder(*bases: type[Any], skip: tuple[str, ...] = ()) -> Any:
    """A class of which every attribute and special method notes that it was used."""
    body = {name: _recording(name) for name in SPECIAL if name not in skip}
    return type("Recorder", bases, {**body, "__getattribute__": _attribute, "secret": "leaked"})


class Lying(type):
    """A class of classes that notes every look at its classes."""

    def __getattribute__(cls, name: str) -> Any:
        READ.append(f"type.{name}")
        return super().__getattribute__(name)

    def __instancecheck__(cls, instance: object) -> bool:
        READ.append("instancecheck")
        return True

    def __subclasscheck__(cls, other: type) -> bool:
        READ.append("subclasscheck")
        return True


class Odd(metaclass=Lying):
    """An object of such a class."""


def generator() -> Iterator[int]:
    READ.append("generator")
    yield 1


ATTRIBUTES = (
    *(
        "__class__",
        "__class__.__mro__",
        "__class__.__base__.__subclasses__",
        "__init__.__globals__",
        "__dict__",
        "__doc__",
    ),
    *("__module__", "__reduce_ex__", "__getattribute__", "__subclasshook__", "__builtins__", "format", "upper", "mro"),
    *("gi_frame.f_globals", "f_code.co_consts", "__globals__.os", "__import__", "secret", "keys", "real", "append"),
)
MUSTACHE = [
    *(f"{{{{ x.{attribute} }}}}" for attribute in ATTRIBUTES),
    *(
        "{{x()}}",
        "{{x.upper()}}",
        "{{x['a']}}",
        "{{x[0]}}",
        "{{ x | upper }}",
        "{{ x, y }}",
        "{{ 7 * 7 }}",
        "{{ 7*'7' }}",
    ),
    *(
        "{{{x}}}",
        "{{&x}}",
        "{{> x}}",
        "{{> ../../etc/passwd }}",
        "{{>*x}}",
        "{{=<% %>=}}<% x %>",
        "{{<x}}{{/x}}",
        "{{$x}}{{/x}}",
    ),
    *("{{#x}}", "{{/x}}", "{{^x}}", "{{#x}}{{/y}}", "{{#lambda}}{{x}}{{/lambda}}{{/x}}", "{{.}}", "{{..}}", "{{../x}}"),
    *(
        "{{@root}}",
        "{{#each x}}{{this}}{{/each}}",
        "{{#with x}}{{/with}}",
        "{{lookup x 'constructor'}}",
        "{{this.constructor}}",
    ),
    *(
        "{{#x.__class__.__mro__}}{{.}}{{/x.secret}}",
        "{{ x:upper }}",
        "{{ __import__('os').system('id') }}",
        "{{ x!r }}",
        "{{",
    ),
    *(
        "{{ x | safe }}",
        "{{ x ? y : z }}",
        "{{ config }}{{",
        "{{%TEMPLATE}}",
        "{{ *x }}",
        "{{ x\u2028y }}",
        "{{ \u202ex }}",
    ),
]
F_STRING = [
    *(f"{{x.{attribute}}}" for attribute in ATTRIBUTES),
    *(
        "{x[0]}",
        "{x['a']}",
        "{x[secret]}",
        "{x!r}",
        "{x!s}",
        "{x!a}",
        "{x:>1000000000}",
        "{x:{y}}",
        "{x:%s}",
        "{x=}",
        "{0}",
        "{}",
    ),
    *(
        "{x()}",
        "{7*7}",
        "{__import__('os')}",
        "{(lambda: 1)()}",
        "{x if y else z}",
        "{*x}",
        "{x;y}",
        "{x,y}",
        "{x.y[z]!r:>9}",
    ),
    *(
        "{x!r:{y}}",
        "{x",
        "x}",
        "{x}}",
        "{x\n.y}",
        "{'a'}",
        '{"a".__class__}',
        "{x:=1}",
        "{x:\x00}",
        "{f'{x}'}",
        "{-x}",
    ),
]
JINJA = [
    *(f"{{{{ x.{attribute} }}}}" for attribute in ATTRIBUTES),
    *(f"{{{{ x['{attribute}'] }}}}" for attribute in ("__class__", "__init__", "__globals__", "secret", "format")),
    *(f"{{{{ x | attr('{attribute}') }}}}" for attribute in ("__class__", "__init__", "format")),
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ [].__class__.__base__ }}",
    "{{ ().__class__ }}",
    "{{ {}.__class__ }}",
    "{{ (1).__class__ }}",
    "{{ true.__class__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__.os.system('id') }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].system('id') }}",
    "{{ lipsum(n=100000) }}",
    "{{ dict(a=1).__class__ }}",
    "{{ range.__class__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ ''.format.__globals__ }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{x.__class__}'.format_map({'x': 1}) }}",
    "{{ '{0.__class__}' | format(1) }}",
    "{{ '%s' | format(x) }}",
    "{{ '%1000000000d' % 1 }}",
    "{% set s = '{0.__class__}'.format %}{{ s(1) }}",
    "{{ x | map(attribute='__class__') | list }}",
    "{{ [x] | map('attr', '__class__') | list }}",
    "{{ x | selectattr('__class__') | list }}",
    "{{ x | groupby('__class__') }}",
    "{{ x | sort(attribute='__class__') }}",
    "{{ x | sum(attribute='__class__') }}",
    "{{ x | join(attribute='__class__') }}",
    "{{ x | unique(attribute='__class__') | list }}",
    "{{ x | max(attribute='__class__') }}",
    "{{ x | pprint }}",
    "{{ x | xmlattr }}",
    "{{ x | urlize }}",
    "{{ x | safe }}",
    "{{ x | random }}",
    "{{ x | filesizeformat }}",
    "{{ x | forceescape }}",
    "{{ caller() }}",
    "{{ super() }}",
    "{{ loop.__class__ }}",
    "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for i in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% for i in [1] %}{{ loop.cycle.__globals__ }}{% endfor %}",
    "{% for i in [1] %}{{ loop['__init__'] }}{% endfor %}",
    "{% for i in [1] %}{{ loop([1]) }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.system('id') }}",
    "{% from 'os' import system %}{{ system('id') }}",
    "{% extends x %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% call x() %}{% endcall %}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% set x.__class__ = 1 %}",
    "{% do x.append(1) %}",
    "{% debug %}",
    "{% trans %}{{ x }}{% endtrans %}",
    "{{ x.append(1) }}",
    "{{ x.pop() }}",
    "{{ x.update(a=1) }}",
    "{{ x() }}",
    "{{ __import__('os').system('id') }}",
    "{{ open('/etc/passwd').read() }}",
    "{{ eval('1') }}",
    "{{ undefined_name.__class__ }}",
    "{{ (undefined_name | default(x)).__class__ }}",
    "{{ x.__class__ if x.__class__ is defined else x.__init__.__globals__ }}",
    "{{ context }}",
    "{{ environment }}",
    "{{ resolve }}",
    "{{ x is filter('upper') }}",
    "{{ x is callable }}",
    "{{ x is sameas(1) }}",
]
TEMPLATES = [
    *(("mustache", source) for source in MUSTACHE),
    *(("f-string", source) for source in F_STRING),
    *(("jinja2", source) for source in JINJA),
]
HARMLESS: list[Any] = ["text", 7, [1], {"a": 1}]
TEXTS = [
    *(f"{{{{ x.{attribute} }}}}" for attribute in ATTRIBUTES[:8]),
    *(
        "{{ x }}",
        "{{x}}",
        "{{{x}}}",
        "{{&x}}",
        "{{#x}}{{x}}{{/x}}",
        "{{^x}}a{{/x}}",
        "{{> x }}",
        "{{=<% %>=}}",
        "{{! x }}",
        "{{.}}",
    ),
    *(
        "{x}",
        "{x.__class__}",
        "{0}",
        "{}",
        "{{",
        "}}",
        "{",
        "}",
        "{x!r}",
        "{x:>10}",
        "{{}}",
        "{{{{x}}}}",
        "%(x)s",
        "%s",
        "%n",
    ),
    *(
        "${x}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{% include 'x' %}",
        "{% for i in range(9) %}a{% endfor %}",
        "{# x #}",
        "{{ 7*7 }}",
    ),
    *(
        "{% raw %}",
        "{% endraw %}",
        "{{ cycler.__init__.__globals__.os.popen('id') }}",
        "$(id)",
        "`id`",
        "; rm -rf /",
        "\\g<0>\\1",
    ),
    *(
        "\x00",
        "\r\n{{x}}\r\n",
        "\u2028{{x}}",
        "{\u200b{x}}",
        "<script>alert(1)</script>",
        "<!--#exec cmd='id' -->",
        "' or 1=1 --",
    ),
]
FORMS = {"mustache": "<{{ x }}|{{#x}}{{.}}{{/x}}|{{#l}}{{x}}{{.}}{{/l}}>", "f-string": "<{x}|{x}|{x}{x}>"}
FORMS["jinja2"] = "<{{ x }}|{% if x %}{{ x ~ '' }}{% endif %}|{% for i in l %}{{ x | string }}{{ i }}{% endfor %}>"
OBJECTS: dict[str, Callable[[], Any]] = {
    "an object": recorder(),
    "an object without a bool": recorder(skip=("__bool__", "__len__")),
    "a class": recorder,
    "a class of an odd class": lambda: Odd,
    "an object of an odd class": lambda: object.__new__(Odd),
    "a function": lambda: generator,
    "a generator": generator,
    "a lambda": lambda: lambda: READ.append("lambda"),
    "a method": lambda: READ.append,
    "a builtin": lambda: eval,
    "a module": lambda: sys,
    "an exception": lambda: ValueError("x"),
    "a frame": lambda: inspect.currentframe(),
    "code": lambda: generator.__code__,
    "a type": lambda: type,
    "a property": lambda: property(lambda _: READ.append("property")),
    "a mapping proxy": lambda: types.MappingProxyType({"a": 1}),
    "a namespace": lambda: types.SimpleNamespace(secret="leaked"),
    "a user dict": lambda: collections.UserDict({"a": 1}),
    "a user string": lambda: collections.UserString("a"),
    "a deque": lambda: collections.deque([1]),
    "bytes": lambda: b"{{x}}",
    "a set": lambda: {1},
    "a complex number": lambda: 1j,
    "a range": lambda: range(3),
    "a memory view": lambda: memoryview(b"a"),
}
SUBCLASSES: dict[str, tuple[Callable[[], Any], str]] = {
    "a text": (lambda: recorder(str, skip=("__hash__", "__get__"))("t"), "t"),
    "a whole number": (lambda: recorder(int)(7), "7"),
    "a number": (lambda: recorder(float)(1.5), "1.5"),
    "a list": (lambda: recorder(list)([1]), "[1]"),
    "a tuple": (lambda: recorder(tuple)([1]), "[1]"),
    "a dict": (lambda: recorder(dict)({"a": 1}), '{"a":1}'),
}


def test_there_are_more_than_two_hundred_payloads() -> None:
    assert len({*TEMPLATES}) + len({*TEXTS}) + len(OBJECTS) + len(SUBCLASSES) > 250
    assert len({*TEMPLATES}) == len(TEMPLATES)


@pytest.mark.parametrize(("template_format", "source"), TEMPLATES)
def test_a_template_that_asks_for_more_than_data_is_refused(template_format: str, source: str) -> None:
    for value in HARMLESS:
        with pytest.raises(ValidationError):
            compile_template(source, template_format).render({"x": value, "y": "b", "l": [value]})
    assert RAN == []


@pytest.mark.parametrize(("template_format", "source"), TEMPLATES)
def test_a_template_reads_nothing_of_an_object(template_format: str, source: str) -> None:
    value = recorder()()
    READ.clear()
    with pytest.raises(ValidationError):
        compile_template(source, template_format).render({"x": value, "y": value, "l": [value]})
    assert READ == []
    assert RAN == []


@pytest.mark.parametrize("template_format", FORMS)
@pytest.mark.parametrize("value", TEXTS)
def test_a_text_is_never_a_template(value: str, template_format: str) -> None:
    text, _ = compile_template(FORMS[template_format], template_format).render({"x": value, "l": [value]})
    assert text == f"<{value}|{value}|{value}{value}>"
    assert RAN == []


@pytest.mark.parametrize("template_format", FORMS)
@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in OBJECTS.items()])
def test_an_object_is_refused_and_not_touched(make: Callable[[], Any], template_format: str) -> None:
    for value in (make(), [make()], {"k": {"l": make()}}):
        READ.clear()
        with pytest.raises(ValidationError, match="cannot be rendered"):
            compile_template(FORMS[template_format], template_format).render({"x": value, "l": [value]})
        assert READ == []


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in OBJECTS.items()])
def test_a_whole_prompt_asks_an_object_nothing(make: Callable[[], Any], make_prompt: Callable[..., Any]) -> None:
    chat = [
        {"role": "placeholder", "name": "x", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "{{ x }}"}]},
    ]
    prompt = make_prompt(messages=chat)
    for value in (make(), [make()], recorder(list)([make()])):
        READ.clear()
        with pytest.raises(ValidationError):
            render_prompt(prompt, {"x": value, "unused": value})
        with pytest.raises(ValidationError):
            plain_variables({"x": value})
        assert READ == []


@pytest.mark.parametrize(
    "source", ["{{#x}}a{{/x}}", "{{^x}}a{{/x}}", "{{#l}}{{#.}}a{{/.}}{{/l}}", "{{#x.a}}a{{/x.a}}{{x.a}}"]
)
@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in OBJECTS.items()])
def test_a_section_asks_an_object_nothing(make: Callable[[], Any], source: str) -> None:
    value = make()
    READ.clear()
    with pytest.raises(ValidationError):
        compile_template(source).render({"x": value, "l": [value]})
    assert READ == []


@pytest.mark.parametrize(("make", "text"), [pytest.param(*case, id=name) for name, case in SUBCLASSES.items()])
@pytest.mark.parametrize(
    ("template_format", "source"),
    [
        *(
            ("mustache", "{{ x }}"),
            ("mustache", "{{#on}}{{ x }}{{/on}}"),
            ("mustache", "{{#x}}{{/x}}{{x}}{{^x}}a{{/x}}"),
        ),
        *(("f-string", "{x}"), ("jinja2", "{{ x }}"), ("jinja2", "{% if x %}{{ x ~ '' }}{% endif %}")),
    ],
)
def test_data_that_overrides_methods_is_taken_as_its_base(
    template_format: str, source: str, make: Callable[[], Any], text: str
) -> None:
    value = make()
    READ.clear()
    assert compile_template(source, template_format).render({"x": value, "on": True})[0] == text
    assert READ == []


def test_control_other_engines_read_and_run() -> None:
    class Thing:
        secret = "leaked"

        def __call__(self) -> str:
            return "called"

    plain = jinja2.Environment()
    assert plain.from_string("{{ x.secret }} {{ x() }}").render(x=Thing()) == "leaked called"
    assert "<class" in plain.from_string("{{ ''.__class__.__mro__[1].__subclasses__() }}").render()
    assert "{x.secret} {x.__class__}".format(x=Thing()).startswith("leaked <class")
    assert chevron.render("{{ x.secret }}", {"x": Thing()}) == "leaked"
    plain.from_string("{{ cycler.__init__.__globals__.os.system('true') }}").render()
    assert RAN == ["os.system"]


@pytest.mark.parametrize(
    "make", [pytest.param(OBJECTS[name], id=name) for name in ("an object", "a class of an odd class")]
)
def test_control_the_recorders_record(make: Callable[[], Any]) -> None:
    value = make()
    READ.clear()
    str(getattr(value, "secret", None))
    assert READ
