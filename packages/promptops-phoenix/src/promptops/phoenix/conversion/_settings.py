"""Provider, model and invocation parameters, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard, get_args

import msgspec
from promptops.models import ModelSettings, Unknown, prepared
from promptops.phoenix._generated import DisplayKnown, PromptVersion, PromptVersionData
from promptops.phoenix.conversion._families import ALIASES, PROVIDERS, STRUCTS, Family, family_of, type_of
from promptops.phoenix.conversion._report import Report

__all__ = ["DEFAULT_MAX_TOKENS", "settings_from_phoenix", "settings_to_phoenix"]

DEFAULT_MAX_TOKENS: Final = 4096
"""What Anthropic gets when a prompt does not say: it demands a limit. The same number as in ``to("anthropic")``."""
_DEFAULT_PROVIDER: Final = "OPENAI"
_LEAST_BUDGET: Final = 1024
_FIELD: Final = "model_settings"


def settings_from_phoenix(version: PromptVersion | PromptVersionData, report: Report) -> ModelSettings:
    """The provider, the model and the parameters of a Phoenix version as our settings."""
    provider = version.model_provider
    if provider not in PROVIDERS:
        report.lose("model_provider", "unknown", "this version does not know it, and cannot send it back")
    found: dict[str, Any] = {"provider": provider.lower(), "model": version.model_name or None}
    parameters = version.invocation_parameters
    if isinstance(parameters, Unknown):
        reason = f"this version does not know parameters of the type {parameters.tag!r}"
        report.lose("invocation_parameters", "unknown", reason)
        return ModelSettings(**found)
    kind = parameters.type
    sent = type_of(provider)
    if kind != sent:
        alike = sent == "openai" and kind not in STRUCTS
        reason = "as the server stores it now" if alike else f"which is what goes with {provider}"
        report.lose("invocation_parameters.type", "changed", f"is {kind}, and is sent back as {sent}, {reason}")
    field = f"invocation_parameters.{kind}"
    given = _given(getattr(parameters, kind), field, report)
    family = family_of(kind, provider)
    if family.spare in given and family.names["max_tokens"] not in given:
        reason = f"is max_tokens here, which is sent back as {family.names['max_tokens']}"
        report.lose(f"{field}.{family.spare}", "changed", reason)
        found["max_tokens"] = given.pop(family.spare)
    for ours, theirs in family.names.items():
        value = _taken(given, theirs)
        if value is not None:
            found[ours] = value
    return ModelSettings(**found, extra=given)


def settings_to_phoenix(settings: ModelSettings | None, report: Report) -> tuple[str, str, Any]:
    """Our settings as the provider, the model and the invocation parameters of a Phoenix version."""
    settings = settings or ModelSettings()
    provider = _provider(settings.provider, report)
    if settings.model == "":
        report.lose(f"{_FIELD}.model", "changed", "an empty name is no name")
    kind = type_of(provider)
    made = _parameters(settings, family_of(kind, provider), provider, report)
    if provider == "ANTHROPIC":
        _add_limit(made, report)
    return provider, settings.model or "", _checked(made, kind, report)


def _given(content: msgspec.Struct, field: str, report: Report) -> dict[str, Any]:
    """What parameters say, without objects of a kind that is not known here."""
    given: dict[str, Any] = msgspec.to_builtins(content)
    for name in content.__struct_fields__:
        value = getattr(content, name)
        if isinstance(value, Unknown):
            del given[name]
            report.lose(f"{field}.{name}", "unknown", f"this version does not know the type {value.tag!r}")
    return given


def _taken(given: dict[str, Any], path: str) -> Any:
    """Take a value out, and the object that it was in when nothing else is left there."""
    name, _, inner = path.partition(".")
    if not inner:
        return given.pop(name, None)
    nested = given.get(name)
    if not _is_object(nested) or inner not in nested:
        return None
    rest = {key: value for key, value in nested.items() if key != inner}
    if rest:
        given[name] = rest
    else:
        del given[name]
    return nested[inner]


def _provider(name: str | None, report: Report) -> str:
    field = f"{_FIELD}.provider"
    if name is None:
        reason = f"Phoenix demands a provider; {_DEFAULT_PROVIDER} is sent, as its own client does"
        report.lose(field, "assumed", reason)
        return _DEFAULT_PROVIDER
    known = name.strip().upper()
    if known in PROVIDERS and name == known.lower():
        return known
    known = known if known in PROVIDERS else ALIASES.get(known.lower(), "")
    if known:
        report.lose(field, "changed", f"is {known} on Phoenix")
        return known
    report.refuse(field, f"Phoenix does not know this provider; it knows {', '.join(PROVIDERS).lower()}")
    return _DEFAULT_PROVIDER


def _parameters(settings: ModelSettings, family: Family, provider: str, report: Report) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for ours in ModelSettings.__struct_fields__:
        value = getattr(settings, ours)
        if ours in {"provider", "model", "extra"} or value is None:
            continue
        theirs = family.names.get(ours)
        if theirs is None:
            report.lose(f"{_FIELD}.{ours}", "unsupported", f"parameters of {provider} have no place for it")
        elif ours == "reasoning_effort" and value not in family.efforts:
            reason = f"parameters of {provider} know {', '.join(family.efforts)}"
            report.lose(f"{_FIELD}.{ours}", "unsupported", reason)
        else:
            _put(made, theirs, value)
    _add_extra(made, settings.extra, family, report)
    return made


def _add_extra(made: dict[str, Any], extra: Mapping[str, Any], family: Family, report: Report) -> None:
    """Add what the settings hand to the provider as it is, as far as the parameters have a place for it."""
    leaves = {theirs: ours for ours, theirs in family.names.items()}
    for key, value in extra.items():
        place = f"{_FIELD}.extra.{key}"
        if key in family.extra:
            made[key] = _joined(made.get(key), key, value, family, report)
        elif key in leaves and key not in made:
            report.lose(place, "moved", f"is {_FIELD}.{leaves[key]} when it is read back")
            made[key] = value
        elif key in made:
            report.refuse(place, f"clashes with {_FIELD}.{leaves[key]}", "conflict")
        else:
            report.lose(place, "unsupported", "the invocation parameters have no place for it")
    if family.spare in made and family.names["max_tokens"] not in made:
        report.lose(f"{_FIELD}.extra.{family.spare}", "moved", f"is {_FIELD}.max_tokens when it is read back")


def _put(made: dict[str, Any], path: str, value: Any) -> None:
    name, _, inner = path.partition(".")
    made[name] = {inner: value} if inner else value


def _joined(mine: Any, key: str, value: Any, family: Family, report: Report) -> Any:
    """An argument that lies in ``extra``; one that is an object joins the setting that is said within it."""
    if not _is_object(value):
        return value  # of the wrong type, if it should be an object; that is found when all of it is checked
    for ours, path in family.names.items():
        name, _, inner = path.partition(".")
        if name != key or inner not in value:
            continue
        place = f"{_FIELD}.extra.{key}.{inner}"
        if mine is not None:
            report.refuse(place, f"clashes with {_FIELD}.{ours}", "conflict")
        elif value[inner] not in family.efforts:
            report.refuse(place, f"expected one of {', '.join(family.efforts)}")
        else:
            report.lose(place, "moved", f"is {_FIELD}.{ours} when it is read back")
    if not _is_object(mine):
        return dict(value)
    if not value:
        report.lose(f"{_FIELD}.extra.{key}", "changed", "an empty object says nothing")
    return {**value, **mine}


def _add_limit(made: dict[str, Any], report: Report) -> None:
    if "max_tokens" not in made:
        made["max_tokens"] = DEFAULT_MAX_TOKENS
        report.lose(f"{_FIELD}.max_tokens", "assumed", f"anthropic demands a limit; {DEFAULT_MAX_TOKENS} is sent")
    thinking = made.get("thinking")
    place = f"{_FIELD}.extra.thinking"
    if not _is_object(thinking):
        return
    budget, limit = thinking.get("budget_tokens"), made["max_tokens"]
    if isinstance(budget, int) and isinstance(limit, int) and not _LEAST_BUDGET <= budget < limit:
        reason = f"must be at least {_LEAST_BUDGET} and less than max_tokens, which is {limit}"
        report.refuse(f"{place}.budget_tokens", reason)
    if "display" in thinking and thinking["display"] not in get_args(DisplayKnown):
        report.refuse(f"{place}.display", f"expected one of {', '.join(get_args(DisplayKnown))}")


def _checked(made: dict[str, Any], kind: str, report: Report) -> Any:
    """The struct of the parameters; what the server would refuse is refused here."""
    for key, value in made.items():
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            report.refuse(f"{_FIELD}.{key}", "is a whole number beyond 64 bits")
    try:
        parameters = msgspec.convert({"type": kind, kind: made}, prepared(STRUCTS[kind]))
    except msgspec.ValidationError as error:
        report.refuse(_FIELD, str(error).replace(f"$.{kind}", f"{kind}"))
        return None
    sent: dict[str, Any] = msgspec.to_builtins(getattr(parameters, kind))
    for key, value in made.items():
        if _is_object(value) and key != "extra_body":
            for inner in value.keys() - sent[key].keys():
                reason = f"parameters of {kind} have no place for it"
                report.lose(f"{_FIELD}.extra.{key}.{inner}", "unsupported", reason)
    return parameters


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
