from __future__ import annotations

import sqlite3

import pytest
from promptops.server.grants import ALL_SCOPES, Grant, Scope
from promptops.server.stores.scope import Scoped, granted

GRANT = Grant(projects=("a", "b"), default="a", scopes=frozenset({Scope.PROMPTS_READ}))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM prompts p",
        "DELETE FROM prompts",
        "UPDATE prompts SET name = :name",
        "INSERT INTO prompts VALUES (1)",
    ],
)
def test_a_statement_without_its_projects_cannot_be_declared(text: str) -> None:
    with pytest.raises(ValueError, match="without its projects"):
        Scoped(text)


def test_only_granted_rows_are_seen() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (id INTEGER, project_id TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, "a"), (2, "b"), (3, "c"), (4, 'a","c')])
    statement = Scoped("SELECT x.id FROM t x WHERE {x:granted} ORDER BY x.id")
    assert connection.execute(statement.render(), {"granted": granted(GRANT)}).fetchall() == [(1,), (2,)]
    nobody = Grant(projects=(), default="", scopes=ALL_SCOPES)
    assert connection.execute(statement.render(), {"granted": granted(nobody)}).fetchall() == []
    connection.close()


def test_a_grant_is_never_widened() -> None:
    assert GRANT.narrowed("b").projects == ("b",)
    assert GRANT.narrowed("b").default == "b"
    with pytest.raises(ValueError, match="narrowed"):
        GRANT.narrowed("c")


def test_admin_includes_every_scope_and_nothing_else_does() -> None:
    admin = Grant(projects=("a",), default="a", scopes=frozenset({Scope.ADMIN}))
    assert all(admin.allows(scope) for scope in Scope)
    assert [scope for scope in Scope if GRANT.allows(scope)] == [Scope.PROMPTS_READ]
