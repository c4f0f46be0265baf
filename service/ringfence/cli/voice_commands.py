"""`ringfence voice`: the prompts and announcements as sound files. Needs no daemon, and asks none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.invocation import NOT_WELL, REFUSED, AsJson, emit, invocation, print_lines, say
from ringfence.cli.tables import show_table

if TYPE_CHECKING:
    from rich.console import Console

    from ringfence.config import Settings
    from ringfence.voice.building import Built
    from ringfence.voice.sounds import Found, Wanted

Languages = Annotated[
    list[str] | None,
    typer.Option("--language", help="only this one, as `de`; may be repeated. Default: those of the configuration"),
]
Folder = Annotated[
    Path | None, typer.Option("--to", help="folder of sounds; default `sounds_dir` of the configuration's [asterisk]")
]
_ALL_IS_WELL: Final = ("recorded", "synthesised")


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    voice = typer.Typer(name="voice", no_args_is_help=True, help="What callers are told: prompts and announcements.")
    voice.command("build")(build)
    voice.command("list")(list_prompts)
    app.add_typer(voice)


@dataclass(frozen=True, slots=True)
class _Task:
    """Which files, and where."""

    sounds: Path
    wanted: Sequence[Wanted]


def build(
    context: typer.Context,
    language: Languages = None,
    to: Folder = None,
    force: Annotated[bool, typer.Option("--force", help="speak all anew; recordings stay")] = False,
    as_json: AsJson = False,
) -> None:
    """Speak every prompt that nobody has recorded, with espeak-ng. A recording is never overwritten.

    Example: ringfence voice build --language en --language cy
    """
    from ringfence.voice import building
    from ringfence.voice.espeak import Espeak

    with _faults_told():
        task = _task(context, language, to)
        synthesiser = Espeak()
        with _bar(len(task.wanted)) as told:
            built = building.build(task.sounds, task.wanted, synthesiser, force=force, told=told)
    named = {
        "made": built.made,
        "kept_recordings": built.kept,
        "already_current": built.current,
        "removed_beside_recordings": built.withdrawn,
        "without_words": built.wordless,
    }
    answer: dict[str, Any] = {key: [_name(one) for one in files] for key, files in named.items()}
    emit(
        as_json, {"folder": str(task.sounds), **answer}, lambda out: print_lines(out, _built_lines(built, task.sounds))
    )
    if built.wordless:
        raise typer.Exit(NOT_WELL)


def list_prompts(
    context: typer.Context,
    language: Languages = None,
    to: Folder = None,
    check: Annotated[
        bool, typer.Option("--check", help="exit with 4 where one is missing, out of date or unplayable")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List every prompt with its words, and whether it is recorded, synthesised, out of date or missing.

    A recording that Asterisk does not play is named, too.

    Example: ringfence voice list --language de
    """
    from ringfence.voice import building
    from ringfence.voice.espeak import Espeak, SynthesiserError

    with _faults_told():
        task = _task(context, language, to)
        try:
            voice_of: Callable[[str], str] | None = Espeak().voice_of
        except SynthesiserError:
            voice_of = None  # what is there can be listed all the same
        found = building.look(task.sounds, task.wanted, voice_of)
    answer = {"folder": str(task.sounds), "prompts": [_as_json(one) for one in found]}
    emit(as_json, answer, lambda out: _show(out, found))
    if check and any(one.state not in _ALL_IS_WELL for one in found):
        raise typer.Exit(NOT_WELL)


def _task(context: typer.Context, languages: list[str] | None, to: Path | None) -> _Task:
    """May raise ConfigError."""
    from ringfence.domain.prompts import is_language
    from ringfence.voice.building import wanted_in

    if bad := [one for one in languages or () if not is_language(one)]:
        say(f"--language {bad[0]}: no language as Asterisk names them.", "Write it as en, de or cy.")
        raise typer.Exit(REFUSED)
    settings = _settings(context)
    # Without a configuration the prompts alone can be made, where the options say all.
    spoken = languages or (settings.languages if settings is not None else ["en"])
    words = settings.own_words if settings is not None else {}
    sounds = to or (settings.asterisk.sounds_dir if settings is not None else Path("/usr/share/asterisk/sounds"))
    return _Task(sounds, wanted_in(dict.fromkeys(spoken), words))


def _settings(context: typer.Context) -> Settings | None:
    """None before `ringfence init`. May raise ConfigError."""
    from ringfence.config import load

    called = invocation(context)
    if called.config is None and not called.config_path.exists():
        return None
    return load(called.config_path)


@contextmanager
def _faults_told() -> Iterator[None]:
    from ringfence.config import ConfigError
    from ringfence.voice.espeak import SynthesiserError
    from ringfence.voice.sounds import SoundsFault

    try:
        yield
    except ConfigError as error:
        say(*error.faults)
        raise typer.Exit(REFUSED) from None
    except (SoundsFault, SynthesiserError) as error:
        say(error.message, error.fix)
        raise typer.Exit(REFUSED) from None


@contextmanager
def _bar(count: int) -> Iterator[Callable[[Wanted], None]]:
    """A bar on standard error, where somebody sees it."""
    if not sys.stderr.isatty():
        yield lambda one: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("speaking", total=count)
        yield lambda one: bar.update(task, advance=1, description=_name(one))


def _built_lines(built: Built, sounds: Path) -> Iterator[str]:
    for one in built.made:
        yield f"made  {_name(one)}"
    for one in built.kept:
        yield f"kept  {_name(one)} (a recording)"
    for one in built.withdrawn:
        yield f"removed  {_name(one)}, synthesised (a recording in another format lies beside it)"
    for one in built.wordless:
        yield f"missing  {_name(one)}: there are no words in this language; give a recording"
    yield f"{len(built.made)} made, {len(built.current)} as they were, {len(built.kept)} recordings kept, in {sounds}."


def _show(out: Console, found: Sequence[Found]) -> None:
    headings = ("prompt", "language", "state", "seconds", "text")
    rows = [
        (one.wanted.stem, one.wanted.language, str(one.state), _seconds(one.seconds), one.wanted.text) for one in found
    ]
    show_table(out, headings, rows)
    lacking = [one for one in found if one.state not in _ALL_IS_WELL]
    unplayable = sum(one.state == "unplayable" for one in lacking)
    makeable = sum(one.state != "unplayable" and bool(one.wanted.text) for one in lacking)
    wordless = len(lacking) - unplayable - makeable
    lines = []
    if makeable:
        lines.append(f"{makeable} missing or out of date: `ringfence voice build` makes them.")
    if wordless:
        lines.append(f"{wordless} missing in a language without words: give recordings.")
    if unplayable:
        lines.append(f"{unplayable} recorded in a form that Asterisk does not play: give 8 kHz, 16 bits, one channel.")
    print_lines(out, lines)


def _as_json(one: Found) -> dict[str, Any]:
    return {
        "prompt": one.wanted.stem,
        "language": one.wanted.language,
        "state": str(one.state),
        "seconds": None if one.seconds is None else round(one.seconds, 2),
        "text": one.wanted.text,
    }


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _name(one: Wanted) -> str:
    return f"{one.language}/{one.stem}"
