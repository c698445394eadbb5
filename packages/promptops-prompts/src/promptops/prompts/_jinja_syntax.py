"""The jinja2 that is allowed: each node of a template is on this list, and its operators become calls of ours."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from jinja2 import nodes
from promptops.prompts._jinja_filters import FILTERS
from promptops.prompts._jinja_tests import TESTS
from promptops.prompts._nodes import MAX_DEPTH

__all__ = ["MAX_NODES", "RefusedNode", "rewrite"]

MAX_NODES: Final = 5_000
_EXPRESSION_DEPTH: Final = 64
_OPERATORS: Final[dict[type[nodes.Node], str]] = {
    nodes.Add: "add",
    nodes.Sub: "sub",
    nodes.Mul: "mul",
    nodes.Div: "div",
    nodes.FloorDiv: "floordiv",
    nodes.Mod: "mod",
}
_KEPT: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Pos,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.Slice,
)
_RESERVED: Final = frozenset({"self", "super", "caller", "varargs", "kwargs"})
_NAMES: Final[dict[type[nodes.Node], str]] = {
    nodes.Extends: "'extends'",
    nodes.Block: "'block'",
    nodes.Include: "'include'",
    nodes.Import: "'import'",
    nodes.FromImport: "'import'",
    nodes.Macro: "'macro'",
    nodes.CallBlock: "'call'",
    nodes.FilterBlock: "'filter' as a block",
    nodes.AssignBlock: "'set' as a block",
    nodes.With: "'with'",
    nodes.Scope: "'autoescape'",
    nodes.NSRef: "'namespace'",
    nodes.Pow: "the operator '**'",
}


class RefusedNode(Exception):  # noqa: N818 - it describes what happened
    """The template uses something that is not allowed.

    Attributes:
        reason: What, and what to write instead.
        line: Where, counted from 1.
    """

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def rewrite(template: nodes.Template) -> tuple[nodes.Template, frozenset[str]]:
    """Check a parsed template, and put calls of :data:`OPERATORS` where its operators were.

    Returns:
        The template, and the names that may be absent because the template asks whether they are there.

    Raises:
        RefusedNode: It uses something else, is nested too deeply, or has too many parts.
    """
    writer = _Rewriter()
    writer.children(template, 0, 0)
    return template, frozenset(writer.guarded)


class _Rewriter:
    """One pass over a template."""

    def __init__(self) -> None:
        self.guarded: set[str] = set()
        self._count = 0
        self._line = 1

    def children(self, node: nodes.Node, blocks: int, depth: int) -> None:
        """Replace the fields of a node."""
        for field, value in node.iter_fields():
            setattr(node, field, self._field(value, blocks, depth + 1))

    def _field(self, value: Any, blocks: int, depth: int) -> Any:
        if isinstance(value, nodes.Node):
            return self.node(value, blocks, depth)
        if isinstance(value, list):
            return [self._field(part, blocks, depth) for part in value]  # pyright: ignore[reportUnknownVariableType] - a field holds anything
        return value

    def node(self, node: nodes.Node, blocks: int, depth: int) -> nodes.Node:
        """What takes the place of a node."""
        self._count += 1
        self._line = line = node.lineno or self._line
        if self._count > MAX_NODES:
            raise RefusedNode(f"the template has more than {MAX_NODES} parts", line)
        if isinstance(node, (nodes.For, nodes.If)):
            blocks, depth = blocks + 1, 0
        if blocks > MAX_DEPTH or depth > _EXPRESSION_DEPTH:
            raise RefusedNode("the template is nested too deeply", line)
        if isinstance(node, nodes.Getattr):
            return self._get(node, nodes.Const(node.attr), blocks, depth)
        if isinstance(node, nodes.Getitem):
            return self._item(node, blocks, depth)
        self._check(node)
        before = self._count
        self.children(node, blocks, depth)
        if isinstance(node, nodes.For):
            weight = nodes.Const(self._count - before)
            node.iter = _call("#loop", node.iter, [weight], line)
        elif isinstance(node, nodes.Compare):
            rest = [part for operand in node.ops for part in (nodes.Const(operand.op), operand.expr)]
            return _call("#compare", node.expr, rest, line)
        elif isinstance(node, nodes.Concat):
            return _call("#concat", node.nodes[0], node.nodes[1:], line)
        elif isinstance(node, nodes.BinExpr) and (name := _OPERATORS.get(type(node))) is not None:
            return _call("#binary", node.left, [nodes.Const(name), node.right], line)
        elif isinstance(node, nodes.Call):
            return _call("#range", node.args[0], node.args[1:], line)
        return node

    def _get(self, node: nodes.Getattr | nodes.Getitem, key: nodes.Expr, blocks: int, depth: int) -> nodes.Node:
        name = nodes.Const(_dotted(node))
        return _call("#get", self.node(node.node, blocks, depth + 1), [key, name], node.lineno)

    def _item(self, node: nodes.Getitem, blocks: int, depth: int) -> nodes.Node:
        key = self.node(node.arg, blocks, depth + 1)
        if not isinstance(key, nodes.Slice):
            assert isinstance(key, nodes.Expr)
            return self._get(node, key, blocks, depth)
        ends = [part or nodes.Const(None) for part in (key.start, key.stop, key.step)]
        return _call("#slice", self.node(node.node, blocks, depth + 1), ends, node.lineno)

    def _check(self, node: nodes.Node) -> None:
        if type(node) in _KEPT or type(node) in _OPERATORS or isinstance(node, (nodes.Compare, nodes.Concat)):
            return
        reason = None
        if isinstance(node, nodes.Name):
            reason = f"{node.name!r} has no meaning here" if node.name in _RESERVED else None
        elif isinstance(node, nodes.Const):
            reason = _number_problem(node.value)
        elif isinstance(node, nodes.Filter):
            reason = self._filter(node)
        elif isinstance(node, nodes.Test):
            reason = self._test(node)
        elif isinstance(node, nodes.For):
            reason = "recursive loops are not allowed" if node.recursive else None
        elif isinstance(node, nodes.CondExpr):
            reason = "an 'if' within an expression needs its 'else'" if node.expr2 is None else None
        elif isinstance(node, nodes.Assign):
            reason = None if isinstance(node.target, nodes.Name) else "'set' takes one plain name"
        elif isinstance(node, nodes.Call):
            reason = _call_problem(node)
        else:
            reason = f"{_NAMES.get(type(node), type(node).__name__)} is not allowed"
        if reason is not None:
            raise RefusedNode(reason, self._line)

    def _filter(self, node: nodes.Filter) -> str | None:
        if node.name not in FILTERS:
            return f"there is no filter {node.name!r}; there are {', '.join(FILTERS)}"
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return "arguments cannot be unpacked"
        if node.name in {"default", "d"} and isinstance(node.node, nodes.Name):
            self.guarded.add(node.node.name)
        return None

    def _test(self, node: nodes.Test) -> str | None:
        if node.name not in TESTS:
            return f"there is no test {node.name!r}; there are {', '.join(TESTS)}"
        if node.args or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
            return "tests take no arguments"
        if node.name in {"defined", "undefined"} and isinstance(node.node, nodes.Name):
            self.guarded.add(node.node.name)
        return None


def _number_problem(value: Any) -> str | None:
    if isinstance(value, float) and not isfinite(value):
        return "a number is too large"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "a whole number is beyond 64 bits"
    return None


def _call_problem(node: nodes.Call) -> str | None:
    if not isinstance(node.node, nodes.Name) or node.node.name != "range":
        return "nothing can be called but 'range'; use a filter, for example 'value | items'"
    if not node.args or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
        return "'range' takes one to three numbers"
    return None


def _call(name: str, first: nodes.Node, rest: list[nodes.Expr], line: int) -> nodes.Filter:
    return nodes.Filter(first, name, rest, [], None, None, lineno=line)


def _dotted(node: nodes.Node) -> str:
    """The path as an error names it."""
    parts: list[str] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        else:
            parts.append(str(node.arg.value) if isinstance(node.arg, nodes.Const) else "[]")
        node = node.node
    parts.append(node.name if isinstance(node, nodes.Name) else "()")
    return ".".join(reversed(parts))
