"""Which lines go into which of the site's files. Reads files; writes none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ringfence.asterisk.conf_files import included, is_generated, sections
from ringfence.cli.install.edits import Edit, EditFault, marked_files, planned
from ringfence.cli.install.survey import Survey
from ringfence.config.snippets import ARI, GENERATED_USER, HTTP, INCLUDES, MANAGER, PJSIP, SHIPPED

# Where a program writes the file itself: which of the files it includes is the administrator's place for it. What
# changes an endpoint must stand behind that endpoint.
CUSTOM_FILES: Final = {
    "extensions.conf": ("extensions_custom.conf",),
    "pjsip.conf": ("pjsip_custom_post.conf", "pjsip_custom.conf", "pjsip.endpoint_custom_post.conf"),
    "manager.conf": ("manager_custom.conf",),
    "ari.conf": ("ari_additional_custom.conf", "ari_custom.conf"),
    "http.conf": ("http_custom.conf",),
}
_RELOADS: Final = {include.asterisk_file: include.reload for include in INCLUDES}


def include_edits(survey: Survey) -> list[Edit]:
    """One block a file. Raises EditFault where there is no place for it, or where ours is taken; OSError."""
    _refuse_taken(survey.etc)
    wanted = {
        "extensions.conf": [_include(SHIPPED[0])],
        "pjsip.conf": [_include(PJSIP)],
        "manager.conf": list(_manager(survey)),
        "ari.conf": list(_ari(survey)),
        "http.conf": list(_http(survey)),
    }
    return [planned(place_for(survey.etc, name), lines) for name, lines in wanted.items() if lines]


def place_for(etc: Path, name: str) -> Path:
    """The file whose end is the administrator's: itself, or the custom file a program's own one includes.

    Raises EditFault, OSError.
    """
    path = etc / name
    if not path.is_file() or not is_generated(path):
        return path
    reached = included(etc, name)
    for custom in CUSTOM_FILES.get(name, ()):
        place = etc / custom
        if place in reached and not (place.is_file() and is_generated(place)):
            return place
    raise EditFault(
        f"{path} is written by a program, and includes none of {', '.join(CUSTOM_FILES.get(name, ()))}. "
        "Nothing was changed."
    )


def reloads(edits: Sequence[Edit], etc: Path) -> list[str]:
    """What makes Asterisk read the files that these edits reach, in an order in which no call finds half of it: the
    dialplan before the endpoints that lead into it."""
    touched = {edit.path for edit in edits}
    return [reload for name, reload in _RELOADS.items() if touched & set(included(etc, name))]


def all_reloads() -> list[str]:
    """For taking out: the endpoints first, and only then the contexts they led into."""
    return [_RELOADS["pjsip.conf"], *(reload for name, reload in _RELOADS.items() if name != "pjsip.conf")]


def _include(snippet: str) -> str:
    return next(include.line for include in INCLUDES if include.snippet == snippet)


def _manager(survey: Survey) -> Iterator[str]:
    if not survey.manager.enabled:
        yield _general(survey.manager.has_general)
        yield from ("enabled = yes", "bindaddr = 127.0.0.1")
    yield _include(MANAGER)


def _ari(survey: Survey) -> Iterator[str]:
    if not survey.ari_enabled:
        yield from (_general(survey.ari_has_general), "enabled = yes")
    yield _include(ARI)


def _http(survey: Survey) -> Iterator[str]:
    """Only where it is off: a server that serves others stays as it is."""
    if not survey.http.enabled:
        yield from (_general(survey.http.has_general), _include(HTTP))


def _general(there: bool) -> str:
    """A second `[general]` would be ignored; one that adds to none would spoil the file."""
    return "[general](+)" if there else "[general]"


def _refuse_taken(etc: Path) -> None:
    if marked := marked_files(etc):
        names = ", ".join(str(path) for path in marked)
        raise EditFault(f"Ringfence's lines are in {names} already. `ringfence remove` takes them out.")
    for name in ("manager.conf", "ari.conf"):
        if any(section.name == GENERATED_USER for section in sections(etc, name)):
            raise EditFault(
                f"{etc / name} has a user {GENERATED_USER!r} of its own: rename it, or name another as "
                "`ami_user` or `ari_user` under [asterisk] and include the files by hand."
            )
    for section in sections(etc, "extensions.conf"):
        if section.name.startswith("ringfence-"):
            raise EditFault(f"{section.path}:{section.line} has a context [{section.name}]: that name is Ringfence's.")
