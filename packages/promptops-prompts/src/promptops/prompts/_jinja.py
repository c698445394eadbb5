"""Templates of the format jinja2: parsed by jinja2, checked against a list, run in its immutable sandbox on plain data.

Loaded only when a template has this format; the server never loads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, cast

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from promptops.core.errors import ValidationError
from promptops.prompts._flat import Template, check_encoded, too_large, value_problem
from promptops.prompts._jinja_filters import FILTERS
from promptops.prompts._jinja_operators import OPERATORS, finalize
from promptops.prompts._jinja_syntax import RefusedNode, rewrite
from promptops.prompts._jinja_tests import TESTS
from promptops.prompts._jinja_work import TemplateFailure, WorkContext
from promptops.prompts._problems import MISSING_VARIABLE, problem, refusal
from promptops.prompts._values import MISSING, UnrenderableValue
from promptops.prompts._work import MAX_OUTPUT_BYTES, TooMuchWork, Work

__all__ = ["MAX_TOKENS", "JinjaTemplate"]

MAX_TOKENS: Final = 20_000
_DIGITS: Final = re.compile(r"[0-9a-fA-F_]{4000,}")
_BLANKS: Final = "\x1c\x1d\x1e\x1f\x0b\x0c\x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_TEXTS: Final = (nodes.TemplateData, nodes.Const)
_FAILURES: Final = (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, jinja2.TemplateError)


class _AbsentError(jinja2.UndefinedError):
    """A name without a value was used; the message is the name."""


class _Absent(jinja2.StrictUndefined):
    """Stands for a name without a value; every use of it raises."""

    __slots__ = ()

    def __init__(self, hint: str | None = None, *_: Any, name: str | None = None, **__: Any) -> None:
        super().__init__(hint=name or hint, name=name, exc=_AbsentError)


class _Sandbox(ImmutableSandboxedEnvironment):
    """No attribute, no call and no global of jinja2; the rewritten templates need none of them."""

    context_class = WorkContext

    def getattr(self, obj: Any, attribute: str) -> Any:
        del obj
        raise TemplateFailure(f"the attribute {attribute!r} is not read")

    def getitem(self, obj: Any, argument: Any) -> Any:
        del obj, argument
        raise TemplateFailure("items are read by an operator of ours")

    def call(self, *_: Any, **__: Any) -> Any:
        raise TemplateFailure("nothing is called")


class JinjaTemplate(Template):
    """A parsed template of the format jinja2; the interface is that of :class:`Template`."""

    __slots__ = ("_names", "_template")

    def __init__(self, source: str) -> None:
        environment = _environment()
        try:
            _check_tokens(environment, source)
            parsed, guarded = rewrite(_parsed(environment, source))
            undeclared = meta.find_undeclared_variables(parsed)
            self._names = tuple(
                dict.fromkeys(node.name for node in parsed.find_all(nodes.Name) if node.name in undeclared)
            )
            code = environment.compile(parsed)
        except jinja2.TemplateSyntaxError as error:
            raise _bad_template(error.lineno, error.message or "it is no template") from error
        except RefusedNode as error:
            raise _bad_template(error.line, error.reason) from error
        except (RecursionError, ValueError, SyntaxError, MemoryError) as error:
            raise _bad_template(1, "an expression is nested too deeply, or a number has too many digits") from error
        self._template = jinja2.Template.from_code(environment, code, {})
        self.variables = tuple(name for name in self._names if name not in guarded)
        self.optional = tuple(name for name in self._names if name in guarded)
        self.paths = self.variables

    def render(self, values: Mapping[str, Any], work: Work | None = None) -> tuple[str, tuple[str, ...]]:
        """Fill in the values; see :meth:`Template.render`.

        Values are copied as plain data first, at most 1 MiB of them together; what is printed has the same text as in
        the other formats. Texts that share ``work`` are given the same values.

        Raises:
            ValidationError: Variables are missing or cannot be used (all are named at once), a key is missing, an
                operation fails, the text would be longer than 1 MiB, or the template does too much work.
        """
        work = work or Work()
        given = self._given(values, work)
        context = cast("WorkContext", self._template.new_context(given))
        context.work = work
        pieces: list[str] = []
        size = 0
        try:
            for piece in self._template.root_render_func(context):
                size += len(piece)
                if size > MAX_OUTPUT_BYTES:
                    raise too_large()
                pieces.append(piece)
        except _AbsentError as error:
            missing = UnrenderableValue("the prompt uses this variable and it was not given", MISSING_VARIABLE)
            raise refusal(value_problem((str(error),), missing)) from None
        except (TemplateFailure, TooMuchWork) as error:
            message = f"line {self._line(error.__traceback__)} of the template: {error.reason}"
            raise refusal(problem("variables", message, error.code)) from None
        except _FAILURES as error:
            # Its message may hold values, so it goes no further.
            message = f"line {self._line(error.__traceback__)} of the template failed with {type(error).__name__}"
            raise refusal(problem("variables", message, "invalid_value")) from None
        text = "".join(pieces)
        if not text.isascii():
            check_encoded(text)
        return text, tuple(given)

    def _given(self, values: Mapping[str, Any], work: Work) -> dict[str, Any]:
        given: dict[str, Any] = {}
        problems: list[dict[str, Any]] = []
        for name in self._names:
            value = values.get(name, MISSING)
            try:
                if name in work.copies:
                    given[name] = work.copies[name]
                elif value is not MISSING:
                    given[name] = work.copies[name] = work.walk.copy(value)
                elif name in self.variables:
                    work.walk.text(MISSING)
            except UnrenderableValue as error:
                problems.append(value_problem((name,), error))
        if problems:
            raise refusal(*problems)
        return given

    def _line(self, trace: TracebackType | None) -> int:
        line = 1
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<template>":
                line = self._template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return line


@lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    environment = _Sandbox(
        undefined=_Absent,
        finalize=finalize,
        optimized=False,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters = {**FILTERS, **OPERATORS}
    cast("Any", environment).tests = {**TESTS}
    return environment


def _check_tokens(environment: jinja2.Environment, source: str) -> None:
    # Before the lexer, whose patterns of numbers take 200 bytes of memory for each digit.
    for run in _DIGITS.finditer(source):
        start = run.start()
        opened = max(source.rfind(sign, 0, start) for sign in ("{{", "{%"))
        if opened > max(source.rfind(sign, 0, start) for sign in ("}}", "%}")):
            raise _bad_template(source.count("\n", 0, start) + 1, "a number has too many digits")
    for count, token in enumerate(environment.lexer.tokeniter(source, None)):
        if count == MAX_TOKENS:
            raise _bad_template(token[0], f"the template has more than {MAX_TOKENS} tokens")


def _parsed(environment: jinja2.Environment, source: str) -> nodes.Template:
    """The tree of a template, its texts with the line ends that were written.

    jinja2 makes all line ends alike, so each carriage return goes through it as another blank that is used nowhere.
    """
    parsed = environment.parse(source)
    if "\r" not in source:
        return parsed
    used = source + "".join(text for node in parsed.find_all(_TEXTS) if isinstance(text := _text(node), str))
    blank = next((each for each in _BLANKS if each not in used), None)
    if blank is None:
        raise _bad_template(1, "it has carriage returns and every kind of blank; leave one kind out")
    marked = source.replace("\r", blank)
    # Within a string a backslash at the end of a line joins it with the next one; a blank between would part them.
    parted = re.compile(rf"(?<!\\)((?:\\\\)*\\){blank}\n?")
    for text in {text for _, kind, text in environment.lexer.tokeniter(marked, None) if kind == "string"}:
        if parted.search(text):
            marked = marked.replace(text, parted.sub(r"\1\n", text))
    parsed = environment.parse(marked)
    for node in parsed.find_all(_TEXTS):
        if isinstance(text := _text(node), str):
            setattr(node, node.fields[0], text.replace(blank, "\r"))
    return parsed


def _text(node: nodes.Node) -> object:
    return getattr(node, node.fields[0])


def _bad_template(line: int, message: str) -> ValidationError:
    return refusal(problem("content", f"line {line}: {message}", "invalid_template"))
