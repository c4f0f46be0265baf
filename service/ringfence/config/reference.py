"""The page docs/reference/settings.md, made from the models: a setting cannot be there and not be described.

Printed by `ringfence settings`; a tidy test keeps the page equal. Pure.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ringfence.config.detection import options_formula
from ringfence.config.reading import DEFAULT_PATH, ENVIRONMENT_PREFIX, SECRETS
from ringfence.config.settings import Settings
from ringfence.config.snippets import QUALIFY
from ringfence.domain.schedule import PROFILES, REGISTER_PROFILES, WEAK_PROFILES

_HEAD: Final = f"""\
# Settings

Printed by `ringfence settings` from the code's own models; a test keeps this page equal. Do not edit it.

One TOML file, `{DEFAULT_PATH}` unless `--config` says otherwise. A setting that is not written has its default.
`ringfence check-config` names every fault at once, each with its line. A table in double brackets may stand several
times. Names are small letters, digits and underscores, and begin with a letter."""

_SECRETS_INTRODUCTION: Final = """\
## Secrets

Never in the TOML file. Each comes from the first of these that is there: the environment variable; the file that the
variable with `_FILE` names; the credential of the secret's name that systemd hands the service (`LoadCredential=`); the
file of the secret's own name beside the configuration, as `ringfence init` writes it (readable by its owner alone).

| secret | variable | what it is for |
|---|---|---|"""

_SECRET_MEANINGS: Final = {
    "ari_secret": "password of the ARI user, as in `ari_ringfence.conf`",
    "ami_secret": "secret of the AMI user, as in `manager_ringfence.conf`",
    "http_token": "bearer token of the HTTP API",
}

_CLIENT_SECRET: Final = (
    f"| `notify_<name>_secret` | `{ENVIRONMENT_PREFIX}NOTIFY_<NAME>_SECRET` "
    "| what that `[[notify]]` needs: the webhook's key, the mail password, or apprise's addresses, one a line |\n"
    f"| `oidc_<name>_secret` | `{ENVIRONMENT_PREFIX}OIDC_<NAME>_SECRET` "
    "| our client secret at that `[[sign_in]]` provider; may be missing: a public client has none |"
)

_TYPES: Final[dict[object, str]] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def reference_page() -> str:
    """The whole page, ending in a line break."""
    tables = "\n\n".join("\n".join(_table(part)) for part in _parts())
    return "\n\n".join([_HEAD, tables, _secrets(), _detection()]) + "\n"


def undescribed() -> list[str]:
    """Settings without a description, as `table.name`; the tidy test wants none."""
    return [
        f"{part.name}.{key}".lstrip(".")
        for part in _parts()
        for key, field in part.fields.items()
        if not field.description
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """One table of the page. `name` is that of the table in the file, empty for the whole file."""

    name: str
    heading: str
    fields: Mapping[str, FieldInfo]


def _parts() -> Iterator[_Part]:
    yield _Part("", "## The whole file", _plain(Settings))
    for name, field in Settings.model_fields.items():
        model, many = _model_of(field.annotation)
        if model is not None:
            yield _Part(name, _heading(name, model, many), _plain(model))
            yield from _nested(name, model)
    for name, field in Settings.model_fields.items():
        if variants := _variants_of(field.annotation):
            yield from _union(name, variants)


def _union(name: str, variants: tuple[type[BaseModel], ...]) -> Iterator[_Part]:
    """Tables of which there are several kinds: what all of them have, then what is each one's own."""
    common = next(base for base in variants[0].__mro__ if all(issubclass(variant, base) for variant in variants))
    assert issubclass(common, BaseModel)
    yield _Part(name, _heading(name, common, many=True), _plain(common))
    for variant in variants:
        kind = get_args(variant.model_fields["type"].annotation)[0]
        meaning = _escaped(_meaning(variant))
        own = {
            key: field
            for key, field in _plain(variant).items()
            if key != "type" and _differs(field, common.model_fields.get(key))
        }
        yield _Part(name, f'## `[[{name}]]` with `type = "{kind}"`: {meaning}', own)
        yield from _nested(name, variant)


def _nested(name: str, model: type[BaseModel]) -> Iterator[_Part]:
    for key, field in model.model_fields.items():
        nested, many = _model_of(field.annotation)
        if nested is not None:
            yield _Part(f"{name}.{key}", _heading(f"{name}.{key}", nested, many), _plain(nested))


def _differs(field: FieldInfo, common: FieldInfo | None) -> bool:
    return common is None or (field.description, field.default) != (common.description, common.default)


def _plain(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings that are no tables of their own."""
    return {
        name: field
        for name, field in model.model_fields.items()
        if _model_of(field.annotation)[0] is None and not _variants_of(field.annotation)
    }


def _heading(name: str, model: type[BaseModel], many: bool) -> str:
    return f"## `{f'[[{name}]]' if many else f'[{name}]'}`: {_escaped(_meaning(model))}"


def _meaning(model: type[BaseModel]) -> str:
    """What follows the colon in the first paragraph of its docstring."""
    first = (model.__doc__ or "").partition("\n\n")[0]
    return " ".join(first.partition(":")[2].split()).rstrip(".")


def _table(part: _Part) -> Iterator[str]:
    yield from (part.heading, "", "| setting | type | default | bounds | meaning |", "|---|---|---|---|---|")
    for name, field in part.fields.items():
        cells = (
            f"`{name}`",
            _type(field.annotation),
            _default(field),
            _bounds(field),
            _escaped(field.description or ""),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    """A `<name>` would be taken for HTML, and vanish."""
    return text.replace("<", "\\<")


def _variants_of(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The kinds of table in a list whose tables say by `type` what they are."""
    if get_origin(annotation) is not list:
        return ()
    inner = get_args(annotation)[0]
    kinds = get_args(get_args(inner)[0]) if get_origin(inner) is Annotated else ()
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def _model_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The table a field holds, and whether it may stand several times."""
    many = get_origin(annotation) is list
    inner = get_args(annotation)[0] if many else annotation
    found = isinstance(inner, type) and issubclass(inner, BaseModel)
    return (inner if found else None), many


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in inner)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "table"
    if origin in (Union, types.UnionType):
        return _type(next(part for part in inner if part is not type(None)))
    if inner and origin is not None:  # Annotated
        return _type(inner[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        return "path"
    return _TYPES.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "none" if field.default is None else f"`{_toml(field.default)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f'"{value}"'


def _bounds(field: FieldInfo) -> str:
    low = high = form = ""
    for rule in (*field.metadata, *_inner_rules(field.annotation)):
        match rule:
            case annotated_types.Ge(ge=value):
                low = _number(value)
            case annotated_types.Le(le=value):
                high = _number(value)
            case annotated_types.MinLen(min_length=value):
                form = f"at least {value}"
            case _ if getattr(rule, "pattern", None):
                form = f"`{rule.pattern}`"
    return f"{low} to {high}" if low and high else form


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _inner_rules(annotation: Any) -> tuple[Any, ...]:
    """The rules of an aliased type (`Name`, `Port`) that pydantic has left in the annotation."""
    rules: tuple[Any, ...] = ()
    for rule in getattr(annotation, "__metadata__", ()):
        rules += tuple(rule.metadata) if isinstance(rule, FieldInfo) else (rule,)
    return rules


def _secrets() -> str:
    rows = [f"| `{name}` | `{ENVIRONMENT_PREFIX}{name.upper()}` | {_SECRET_MEANINGS[name]} |" for name in SECRETS]
    return "\n".join([_SECRETS_INTRODUCTION, *rows, _CLIENT_SECRET])


def _detection() -> str:
    lines = [
        "## Profiles, and how long detection takes",
        "",
        "A target that dies just after a good answer is noticed after one calm interval, stretched by the jitter, the",
        "timeout of that probe, and then `fall` - 1 fast re-checks:",
        "",
        "    own OPTIONS:    interval x (1 + jitter) + timeout + (fall - 1) x (fast interval + timeout)",
        "    contact status: qualify_frequency + qualify_timeout",
        "",
        "It is down when both agree, as far as they ever worked, so the larger of the two counts. `probe_transport`",
        "changes nothing about it. A platform that answers and takes no calls is noticed by its calls alone: no",
        "promise without traffic. By the same formula the other kinds are noticed, and no verdict of *down* waits for",
        "them:",
        "",
        "| profile | registration (`probe_register`) | `tcp`, `http` |",
        "|---|---|---|",
        *(
            f"| `{name}` | {options_formula(REGISTER_PROFILES[name])} | {options_formula(WEAK_PROFILES[name])} |"
            for name in PROFILES
        ),
        "",
        "Own OPTIONS and contact status, which decide:",
        "",
        "| profile | own OPTIONS | contact status | fall | rise |",
        "|---|---|---|---|---|",
    ]
    for name, cadence in PROFILES.items():
        qualify = QUALIFY[name]
        contact = f"{qualify.interval_seconds} + {qualify.timeout_seconds:g} = "
        contact += f"{qualify.interval_seconds + qualify.timeout_seconds:.2f} s"
        lines.append(f"| `{name}` | {options_formula(cadence)} | {contact} | {cadence.fall} | {cadence.rise} |")
    return "\n".join(lines)
