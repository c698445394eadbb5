"""Finds the tasks and evaluators that a command names: ``FILE.py::name``, ``module:name``, or one that comes along."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

from promptops.cli._failures import CommandFailed

__all__ = ["evaluators_of", "load_task"]

_BUILT_IN: Final = (
    "contains",
    "edit_similarity",
    "exact_match",
    "normalized_match",
    "numeric_match",
    "token_f1",
    "valid_json",
)
_FORMS: Final = "write FILE.py::name or module:name"


def load_task(reference: str) -> Any:
    """Return the function that a reference names.

    Raises:
        CommandFailed: There is none, or its file cannot be loaded.
    """
    task = _named(reference)
    if not callable(task):
        raise CommandFailed(f"{reference} is no function, but {type(task).__name__}", code=2)
    return task


def evaluators_of(references: Sequence[str], task: str) -> Any:
    """Return the evaluators of references: one, a list of them, or a mapping of names to them.

    Args:
        references: ``::name`` is looked up in the file of the task.
        task: The reference of the task.
    """
    found: list[object] = []
    named: dict[str, object] = {}
    for reference in references:
        one = _evaluator(reference, task)
        if isinstance(one, Mapping):
            named.update(cast("Mapping[str, object]", one))
        elif isinstance(one, list | tuple):
            found += cast("Sequence[object]", one)
        else:
            found.append(one)
    if not named:
        return found
    for one in found:
        name = getattr(one, "name", None) or getattr(one, "__name__", None)
        if not isinstance(name, str) or name in named:
            raise CommandFailed(f"two evaluators are named {name!r}, or one has no name", code=2)
        named[name] = one
    return named


def _evaluator(reference: str, task: str) -> object:
    if reference.startswith("::"):
        place = task.rpartition("::")[0] or task.rpartition(":")[0]
        separator = "::" if "::" in task else ":"
        return _named(f"{place}{separator}{reference[2:]}")
    if ":" in reference:
        return _named(reference)
    if reference not in _BUILT_IN:
        raise CommandFailed(
            f"there is no evaluator {reference!r} to use by name alone; there are {', '.join(_BUILT_IN)}. {_FORMS} for "
            "your own, or ::name for one in the file of the task",
            code=2,
        )
    from promptops import experiments

    return getattr(experiments, reference)()


def _named(reference: str) -> object:
    file, separator, name = reference.rpartition("::")
    if not separator:
        module, separator, name = reference.rpartition(":")
        if not separator or not module or not name:
            raise CommandFailed(f"{reference!r} names no function; {_FORMS}", code=2)
        loaded = _module(module)
    else:
        loaded = _file(Path(file))
    found: object = loaded
    for part in name.split("."):
        if not hasattr(found, part):
            known = ", ".join(sorted(key for key, value in vars(loaded).items() if _is_own(value, loaded))[:20])
            raise CommandFailed(f"{reference}: there is no {part!r}; there are {known or 'no functions'}", code=2)
        found = getattr(found, part)
    return found


def _is_own(value: object, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _module(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return _loading(name, lambda: importlib.import_module(name))


def _file(path: Path) -> ModuleType:
    where = path.resolve()
    if not where.is_file():
        raise CommandFailed(f"there is no file {path}", code=2)
    name = f"promptops_loaded_{where.stem}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(where):
        return known
    spec = importlib.util.spec_from_file_location(name, where)
    if spec is None or spec.loader is None:
        raise CommandFailed(f"{path} is not a Python file", code=2)
    module, loader = importlib.util.module_from_spec(spec), spec.loader
    sys.modules[name] = module
    # As when the file is run: its neighbours can be imported.
    sys.path.insert(0, str(where.parent))

    def load() -> ModuleType:
        loader.exec_module(module)
        return module

    try:
        return _loading(str(path), load)
    except BaseException:
        del sys.modules[name]
        raise


def _loading(what: str, load: Any) -> ModuleType:
    try:
        return cast("ModuleType", load())
    except (Exception, SystemExit) as error:
        raise CommandFailed(
            f"{what} cannot be loaded: {type(error).__name__}: {error}",
            hint="PROMPTOPS_DEBUG=1 shows where",
            code=2,
        ) from error
