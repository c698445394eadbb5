"""Sets off one group of bombs in a process of its own, and writes what each cost as JSON; see ``test_bombs.py``."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2.sandbox import SandboxedEnvironment
from promptops.core.errors import ValidationError
from promptops.prompts.template import Work, compile_template

LONG = [1] * 100_000
TEXT = "x" * 1_000_000
WIDE = {f"k{number}": [None] * 1000 for number in range(300)}


BROKEN = [*LONG, object()]
TABLE = {f"k{number}": [number] for number in range(1000)}
NAMES = [f"v{number}" for number in range(20_000)]
MANY = "".join(f"{{{{{name}}}}}" for name in NAMES)


def laughs(levels: int = 15) -> Any:
    """A few hundred bytes that unfold into ten to the power of ``levels`` texts."""
    value: Any = "ha"
    for _ in range(levels):
        value = [value] * 10
    return value


def spiral() -> dict[str, Any]:
    """A dict within itself."""
    value: dict[str, Any] = {"n": "x" * 1000}
    value["s"] = value
    value["l"] = [value] * 100
    return value


def nested(name: str, depth: int, inner: str = "") -> str:
    """A section within itself."""
    return f"{{{{#{name}}}}}" * depth + inner + f"{{{{/{name}}}}}" * depth


def doubled(form: str, times: int, start: str = "'xxxxxxxx'") -> str:
    """A jinja2 variable that is made twice as large again and again."""
    return f"{{% set a = {start} %}}" + f"{{% set a = {form} %}}" * times + "{{ a }}"


SECTIONS: list[tuple[str, dict[str, Any]]] = [
    (nested("l", 2), {"l": LONG}),
    (nested("l", 16), {"l": LONG}),
    (nested("l", 16, "x"), {"l": [1] * 10}),
    (nested("l", 3, "{{! nothing }}"), {"l": [1] * 1000}),
    (nested("l", 3, "{{.}}{{t}}"), {"l": LONG, "t": TEXT}),
    ("{{#l}}{{t}}{{/l}}", {"l": LONG, "t": TEXT}),
    ("{{#l}}{{l}}{{/l}}", {"l": LONG}),
    ("{{#l}}{{v}}{{/l}}", {"l": LONG, "v": laughs()}),
    ("{{#l}}{{v.a.b}}{{/l}}", {"l": LONG, "v": {"a": {"b": WIDE}}}),
    ("{{#l}}{{missing}}{{#absent}}{{/absent}}{{/l}}" * 20, {"l": LONG}),
    ("{{#l}}{{nan}}{{obj}}{{big}}{{/l}}", {"l": LONG, "nan": float("nan"), "obj": [*LONG, object()], "big": 2**70}),
    ("{{#l}}" + "{{^e}}" * 15 + "x" + "{{/e}}" * 15 + "{{/l}}", {"l": LONG, "e": 0}),
    ("{{#l}}" + "{{#t}}{{/t}}{{^t}}{{/t}}" * 500 + "{{/l}}", {"l": LONG, "t": True}),
    ("{{#s}}" * 16 + "{{s.s.s.s.s.s.s.s.s.s.s.s.s.s.s}}" + "{{/s}}" * 16, {"s": spiral()}),
    ("{{#l}}" * 16 + "{{n}}" + "{{/l}}" * 16, spiral()),
    (nested(".", 14).join(("{{#v}}", "{{/v}}")), {"v": laughs()}),
    ("{{#l}}{{/l}}" * 10_000, {"l": LONG}),
    ("{{#l}}{{a1}}{{a2}}{{a3}}{{/l}}", {"l": LONG}),
    ("{{#l}}" + "y" * 200_000 + "{{/l}}", {"l": LONG}),
    ("{{#l}}é{{/l}}", {"l": [1] * 700_000}),
    ("{{#a}}" * 20_000, {"a": 1}),
    ("{{/a}}" * 40_000, {"a": 1}),
    ("{{!" * 80_000, {}),
    ("{{#a}}\n" * 15 + "{{!\n}}  \n" * 28_000, {"a": 1}),
    ("{{!}}" + " " * 262_000 + "{{", {}),
]
FLAT: list[tuple[str, dict[str, Any]]] = [
    ("{{v}}" * 50_000, {"v": TEXT}),
    ("{{v}}" * 50_000, {"v": [TEXT]}),
    ("{{v}}", {"v": laughs()}),
    ("{{v}}", {"v": laughs(100)}),
    ("{{v}}", {"v": [TEXT] * 1000}),
    ("{{v}}", {"v": spiral()}),
    ("{{v}}", {"v": {"a": [[], {}] * 400_000}}),
    ("{{v}}", {"v": "é" * 5_000_000}),
    (MANY, dict.fromkeys(NAMES, laughs())),
    (MANY, dict.fromkeys(NAMES, BROKEN)),
    (MANY, dict.fromkeys(NAMES, TABLE)),
    (MANY, {}),
    ("{{" * 130_000, {}),
    ("{{ a" + ".a" * 100_000 + " }}", {"a": 1}),
    ("{{ a." + "." * 200_000 + " }}", {"a": 1}),
    ("{{ " + "a" * 260_000 + "! }}", {}),
    ("{{" + " " * 260_000 + "}}", {}),
]
JINJA: list[tuple[str, dict[str, Any]]] = [
    ('{{ "a" * 10**9 }}', {}),
    ('{{ "a" * 1000000000 }}', {}),
    ("{{ [1] * 1000000000 }}", {}),
    ("{{ [[[1] * 1000] * 1000] * 1000 }}", {}),
    ("{{ t * n * n }}", {"t": "x", "n": 1_000_000}),
    ("{{ 9 ** 9 ** 9 }}", {}),
    ("{{ " + "9000000000 * " * 50 + "9 }}", {}),
    (doubled("a ~ a", 40), {}),
    (doubled("a + a", 40), {}),
    (doubled("a * 2", 40), {}),
    (doubled("[a, a]", 40), {}),
    (doubled("[a, a] | tojson", 40), {}),
    (doubled("[a, a] | join", 40), {}),
    (doubled("{'a': a, 'b': a}", 60, "[1]"), {}),
    (doubled("a | replace('x', 'xxxxxxxx')", 30), {}),
    (doubled("a | indent(100000)", 40, "'x\\nx'"), {}),
    (doubled("[a, a] | string", 40), {}),
    (doubled("a + a", 40, "[1]"), {}),
    ("{% set a = [1] %}{% set b = [1] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40 + "{{ a == b }}", {}),
    ("{% set a = [1] %}{% set b = [1] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40 + "{{ b in [a] }}", {}),
    ("{{ ([t, t ~ 'y'] * 5000) | sort }}", {"t": "x" * 100_000}),
    ("{{ ([t, t ~ 'y'] * 5000) | max }}", {"t": "x" * 100_000}),
    ("{{ ([t] * 100000) | join(t) }}", {"t": "x" * 100_000}),
    ("{{ 'x' | center(1000000000) }}", {}),
    ("{{ '%1000000000d' % 1 }}", {}),
    ("{{ '%1000000000d' | format(1) }}", {}),
    ("{{ 'x' | indent(1000000000, true) }}", {}),
    ("{{ t | indent(t) }}", {"t": "x\n" * 100_000}),
    ("{{ t | replace('', t) }}", {"t": "x" * 100_000}),
    ("{{ t | replace('x', t) }}", {"t": "x" * 100_000}),
    ("{{ [1] | tojson(indent=1000000000) }}", {}),
    ("{{ range(1000000000) | list | length }}", {}),
    ("{{ range(0, 9000000000000000000, 1) }}", {}),
    ("{{ range(9000000000000000000, -9000000000000000000, -1) | sum }}", {}),
    ("{% for i in range(1000000000) %}{% endfor %}", {}),
    ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", {}),
    ("{% for i in l %}" * 16 + "{% endfor %}" * 16, {"l": [1] * 1000}),
    ("{% for i in l %}" * 16 + "x" + "{% endfor %}" * 16, {"l": [1] * 10}),
    ("{% for i in l if false %}{% endfor %}" * 500, {"l": LONG}),
    ("{% for i in l %}{% for j in l if t in t %}{% endfor %}{% endfor %}", {"l": [1] * 1000, "t": "x" * 100_000}),
    ("{% for i in l %}{{ t }}{% endfor %}", {"l": [1] * 10_000, "t": "x" * 100_000}),
    ("{% for i in l %}{% set s = t ~ t %}{% endfor %}", {"l": [1] * 10_000, "t": "x" * 100_000}),
    (
        "{% for i in l %}{{ t | upper | lower | title | trim | length }}{% endfor %}",
        {"l": [1] * 10_000, "t": "ß" * 99_999},
    ),
    ("{% for i in l %}{{ v | tojson | length }}{% endfor %}", {"l": [1] * 10_000, "v": {"a": [1] * 10_000}}),
    ("{% for i in l %}{{ loop.length }}{{ loop.last }}{% endfor %}", {"l": [1] * 400_000}),
    ("{{ v }}", {"v": laughs()}),
    ("{{ v | length }}", {"v": laughs()}),
    ("{{ v | length }}", {"v": spiral()}),
    ("{{ v | length }}", {"v": [[], {}] * 400_000}),
    ("{{ a }}" * 37_000, {"a": 1}),
    ("{{ " + "a+" * 130_000 + "a }}", {"a": 1}),
    ("{{ " + "(" * 130_000 + "}}", {}),
    ("{{ " + "[" * 10_000 + "]" * 10_000 + "}}", {}),
    ("{{ " + "-" * 9_000 + "1 }}", {}),
    ("{{ " + "not " * 9_000 + "1 }}", {}),
    ("{{ a" + ".a" * 9_000 + " }}", {"a": 1}),
    ("{{ a" + " | upper" * 6_000 + " }}", {"a": "x"}),
    ("{{ " + "9" * 260_000 + " }}", {}),
    ("{{ 0x" + "f" * 260_000 + " }}", {}),
    ("{{ 1e" + "9" * 300 + " }}", {}),
    ("{% if a %}" * 20_000, {"a": 1}),
    ("{% if a %}" * 2_000 + "{% endif %}" * 2_000, {"a": 1}),
    ("{% if a %}" + "{% elif a %}" * 6_000 + "{% endif %}", {"a": 0}),
    ("{#" * 130_000, {}),
    ("{{ '" + "\\x41" * 60_000 + "x" * 9 + "' * 99 }}", {}),
    ("{% raw %}" * 25_000, {}),
    ("{{" + " " * 260_000 + "}}", {}),
]


class Message:
    """Many texts that are each within the limits of one."""

    def __init__(self, source: str, template_format: str = "mustache") -> None:
        self._template = compile_template(source, template_format)

    def render(self, values: dict[str, Any], times: int) -> None:
        """All of them, with one budget, as the messages of a prompt are."""
        work = Work()
        failures = 0
        for _ in range(times):
            try:
                self._template.render(values, work)
            except ValidationError:
                failures += 1
        assert failures
        raise ValidationError("some were refused")


def one(source: str, template_format: str, values: dict[str, Any]) -> Callable[[], object]:
    """A template and its render as one bomb."""
    return lambda: compile_template(source, template_format).render(values)


GROUPS: dict[str, list[Callable[[], object]]] = {
    "sections": [one(source, "mustache", values) for source, values in SECTIONS],
    "flat": [one(source, "mustache", values) for source, values in FLAT],
    "f-string": [
        one(source.replace("{{", "{").replace("}}", "}"), "f-string", values)
        for source, values in FLAT
        if not source.startswith("{{{{")  # pairs of braces are text there
    ],
    "jinja2": [one(source, "jinja2", values) for source, values in JINJA],
    "messages": [
        lambda: Message("{{#l}}{{/l}}").render({"l": LONG * 3}, 2000),
        lambda: Message("{{ v }}").render({"v": laughs()}, 2000),
        lambda: Message("{{ v }}").render({"v": [*LONG, object()]}, 2000),
        lambda: Message("{{#l}}{{v}}{{/l}}").render({"l": LONG, "v": [float("nan")]}, 2000),
        lambda: Message("{% for i in l %}{% endfor %}", "jinja2").render({"l": LONG}, 2000),
        lambda: Message("{{ v | length }}", "jinja2").render({"v": [*LONG, object()]}, 2000),
    ],
    # Controls: the same in engines without limits.
    "control-memory": [lambda: SandboxedEnvironment().from_string('{{ "a" * 200000000 }}').render()[:1]],
    "control-format": [lambda: "{x:>200000000}".format_map({"x": 1})[:1]],
    "control-time": [
        lambda: (
            SandboxedEnvironment()
            .from_string("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")
            .render()
        )
    ],
}


def peak_mib() -> float:
    """The most memory that this process ever had; the kernel counts in KiB, on macOS in bytes.

    On Linux the usage of a process begins with that of whoever started it, so its own mark is read there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (mark,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(mark.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)


def main() -> None:
    """Set them off."""
    for template_format, source in (
        ("mustache", "{{#a}}{{.}}{{/a}}"),
        ("jinja2", "{% for i in a %}{{ i }}{% endfor %}"),
    ):
        compile_template(source, template_format).render({"a": [1]})  # loads what is loaded late
    costs: list[tuple[float, float, str]] = []
    for bomb in GROUPS[sys.argv[1]]:
        before, started = peak_mib(), time.process_time()
        try:
            bomb()
            code = "rendered"
        except ValidationError as error:
            code = error.validation_errors[0]["code"] if error.validation_errors else "refused"
        costs.append((time.process_time() - started, peak_mib() - before, code))
    print(json.dumps(costs))


if __name__ == "__main__":
    main()
