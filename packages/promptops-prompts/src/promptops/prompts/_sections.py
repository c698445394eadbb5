"""Templates with sections: a walk through the parsed text with a stack of items, and a limit on its work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.prompts._flat import Template, check_encoded, too_large, value_problem
from promptops.prompts._nodes import Node, Path, Section
from promptops.prompts._problems import MISSING_VARIABLE, problem, refusal
from promptops.prompts._values import MISSING, UnrenderableValue, is_dict, items_of, lookup
from promptops.prompts._work import MAX_OUTPUT_BYTES, TooMuchWork, Work

__all__ = ["SectionTemplate"]

_STEP: Final = 8
_DICT: Any = dict


class _Loop(msgspec.Struct, frozen=True, gc=False):
    """A section and what one round through it costs, in steps; a step is about one lookup."""

    path: Path
    inverted: bool
    body: tuple[str | Path | _Loop, ...]
    cost: int


class SectionTemplate(Template):
    """A parsed template with sections.

    A name is looked up in the item of the innermost section that is a dict, then in those around it, then among the
    variables. A value that is printed must be there. What a section tests must be there when it is a variable; a key
    of a dict may be absent, and then the section is as if it were empty. A section is rendered once for each item of
    a list, once for any other value, and not at all for what is empty, zero, false or None.
    """

    __slots__ = ("_loop", "_order")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._loop = _loop((), False, nodes, 0)
        paths = [path for node in nodes if (path := _path_of(node))]
        self.paths = tuple(dict.fromkeys(".".join(path) for path in paths))
        self.variables = tuple(dict.fromkeys(path[0] for path in paths))
        self._order = tuple(dict.fromkeys(path[0] for path in _all_paths(nodes)))
        self.optional = tuple(name for name in self._order if name not in set(self.variables))

    def render(self, values: Mapping[str, Any], work: Work | None = None) -> tuple[str, tuple[str, ...]]:
        """Fill in the values; see :meth:`Template.render`.

        Raises:
            ValidationError: Variables are missing or cannot be rendered (all that the walk met are named at once), the
                text would be longer than 1 MiB, or the sections would make more than about a million lookups.
        """
        run = _Run(values, work or Work())
        try:
            run.fill(self._loop.body, (), MISSING)
        except TooMuchWork as error:
            raise refusal(*run.problems.values(), problem("variables", error.reason, error.code)) from None
        if run.problems:
            raise refusal(*run.problems.values())
        text = "".join(run.out)
        if not text.isascii():
            check_encoded(text)
        return text, tuple(name for name in self._order if name in run.used)


class _Run:
    """One render."""

    __slots__ = ("_size", "_values", "_work", "out", "problems", "used")

    def __init__(self, values: Mapping[str, Any], work: Work) -> None:
        self._values = values
        self._work = work
        self._size = 0
        self.out: list[str] = []
        self.used: set[str] = set()
        self.problems: dict[Path, dict[str, Any]] = {}

    def fill(self, body: tuple[str | Path | _Loop, ...], scopes: tuple[Any, ...], item: Any) -> None:
        """Write a part of the text; ``scopes`` are the dicts of the sections around it, the innermost first."""
        for node in body:
            if isinstance(node, str):
                text = node
            elif isinstance(node, tuple):
                text = self._text(node, scopes, item)
            else:
                self._repeat(node, scopes, item)
                continue
            if text:
                self._size += len(text)
                if self._size > MAX_OUTPUT_BYTES:
                    raise too_large()
                self.out.append(text)

    def _text(self, path: Path, scopes: tuple[Any, ...], item: Any) -> str:
        value = self._base(path, scopes, item)
        if len(path) > 1 and value is not MISSING:
            value = lookup(value, path[1:])
        if type(value) is str:
            return value
        try:
            return self._work.walk.text(value)
        except UnrenderableValue as error:
            if path not in self.problems:
                self.problems[path] = value_problem(path, error)
            return ""

    def _repeat(self, loop: _Loop, scopes: tuple[Any, ...], item: Any) -> None:
        value = self._base(loop.path, scopes, item)
        if value is MISSING:
            if not scopes:
                self._missing(loop.path)
                return
        elif len(loop.path) > 1:
            value = lookup(value, loop.path[1:])
        try:
            count, items = (0, ()) if value is MISSING else items_of(value)
        except UnrenderableValue as error:
            self.problems.setdefault(loop.path, value_problem(loop.path, error))
            return
        if loop.inverted:
            count, items = (0 if count else 1), (item,)
        if count:
            self._work.spend(count * loop.cost * _STEP)
            for one in items:
                inner = (one, *scopes) if is_dict(one) and not loop.inverted else scopes
                self.fill(loop.body, inner, one)

    def _base(self, path: Path, scopes: tuple[Any, ...], item: Any) -> Any:
        if not path:
            return item
        name = path[0]
        for scope in scopes:
            value = _DICT.get(scope, name, MISSING)
            if value is not MISSING:
                return value
        value = self._values.get(name, MISSING)
        if value is not MISSING:
            self.used.add(name)
        return value

    def _missing(self, path: Path) -> None:
        error = UnrenderableValue("the prompt uses this variable and it was not given", MISSING_VARIABLE)
        self.problems.setdefault(path[:1], value_problem(path[:1], error))


def _loop(path: Path, inverted: bool, nodes: Sequence[Node], depth: int) -> _Loop:
    body: list[str | Path | _Loop] = []
    cost = 1
    for node in nodes:
        body.append(_loop(node.path, node.inverted, node.body, depth + 1) if isinstance(node, Section) else node)
        cost += 1 if isinstance(node, str) else depth + len(_path_of(node)) + 2
    return _Loop(path, inverted, tuple(body), cost)


def _path_of(node: Node) -> Path:
    return () if isinstance(node, str) else node if isinstance(node, tuple) else node.path


def _all_paths(nodes: Sequence[Node]) -> Iterator[Path]:
    for node in nodes:
        if path := _path_of(node):
            yield path
        if isinstance(node, Section):
            yield from _all_paths(node.body)
