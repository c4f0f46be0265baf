"""The text of a first `ringfence.toml` from a few answers: the essential, and what differs from the defaults. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import phonenumbers

from ringfence.config.asterisk_settings import AsteriskSettings
from ringfence.config.settings import Settings
from ringfence.config.trunk_settings import TrunkSettings

HEAD: Final = """\
# Ringfence's configuration. What is not written here has its default: docs/reference/settings.md.
# After a change: `ringfence check-config`, then `ringfence snippets` for Asterisk's part, then restart the service.
# Secrets are never in this file; they lie beside it, one file each.
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What `ringfence init` was told. Nothing is checked here: the finished text is, as a whole."""

    platform: str
    trunk_sources: tuple[str, ...]
    egress: str
    platform_name: str
    trunk_name: str
    egress_name: str
    profile: str
    node: str
    country: str
    fallback_number: str | None
    controls: tuple[tuple[str, str], ...]
    """Name and host:port of each."""
    ari_port: int
    ami_port: int
    state_dir: Path
    asterisk_conf_dir: Path
    trunk_endpoint: str = ""
    """The carrier's own endpoint; empty: one is made."""
    did_source: str = "request-uri"
    egress_endpoint: str = ""
    normal_context: str = ""
    """Where the platform's calls go on in the site's own dialplan; empty: our `Dial`."""
    sounds_dir: Path | None = None
    cdr_csv: Path | None = None


def render(answers: Answers) -> str:
    """The file's text."""
    return "\n".join([HEAD, *_general(answers), *_platform(answers), *_trunk(answers), *_far_ends(answers)])


def _general(answers: Answers) -> Iterator[str]:
    defaults = Settings.model_fields
    for key, value in (
        ("node", answers.node),
        ("default_country", answers.country),
        ("state_dir", answers.state_dir),
        ("asterisk_conf_dir", answers.asterisk_conf_dir),
    ):
        if value != defaults[key].default:
            yield f"{key} = {_quoted(str(value))}"
    # Here: behind the first table it would be that table's.
    yield "# shadow = true                # decide and show everything, do nothing: a week's trial beside a live site"
    ports = [("ari_port", answers.ari_port, 8088), ("ami_port", answers.ami_port, 5038)]
    changed = [f"{key} = {port}" for key, port, default in ports if port != default]
    places = [("sounds_dir", answers.sounds_dir), ("cdr_csv", answers.cdr_csv)]
    changed += [
        f"{key} = {_quoted(str(place))}"
        for key, place in places
        if place is not None and place != AsteriskSettings.model_fields[key].default
    ]
    if changed:
        yield from ("", "[asterisk]", *changed)
    if answers.country != defaults["default_country"].default:
        yield from (
            "",
            "# Countries diverted calls may go to. Premium rates within them: denied_prefixes.",
            "[egress]",
            f"countries = [{_quoted(answers.country)}]",
        )


def _platform(answers: Answers) -> Iterator[str]:
    yield from (
        "",
        "# The telephone system that normally takes the calls. Its name is the scope that fails over as one.",
        "[[platform]]",
        f"name = {_quoted(answers.platform_name)}",
        f"host_port = {_quoted(answers.platform)}",
        f"profile = {_quoted(answers.profile)}    # `lan`: same building; `wan`: across the internet",
        "# no_progress_seconds = 8.0   # silence after which a call is diverted; never less than a slow ring takes",
        '# failback = "automatic"     # or "manual": a person sends the calls back',
    )


def _trunk(answers: Answers) -> Iterator[str]:
    yield from (
        "",
        f"# The carrier's trunk. Its endpoint's context is ringfence-in-{answers.trunk_name}.",
        "[[trunk]]",
        f"name = {_quoted(answers.trunk_name)}",
        f"platform = {_quoted(answers.platform_name)}",
        f"sources = [{', '.join(_quoted(source) for source in answers.trunk_sources)}]",
        *_named("endpoint", answers.trunk_endpoint),
        *_named("normal_context", answers.normal_context),
        _did_source(answers.did_source),
        '# bare = "e164"                # what a number without prefix is: or "national", "extension"',
        *_prefixes(answers.country, ("country_code", "national_prefix", "international_prefix")),
    )
    if answers.fallback_number:
        yield "# In DR mode a DID that is not in the directory goes here."
        yield f"fallback_number = {_quoted(answers.fallback_number)}"
    else:
        yield '# fallback_number = "+44..."   # where a DID that is not in the directory goes in DR mode'


def _did_source(source: str) -> str:
    if source != TrunkSettings.model_fields["did_source"].default:
        return f"did_source = {_quoted(source)}"
    return '# did_source = "request-uri"   # where the DID is: or "to", "p-called-party-id", "diversion"'


def _far_ends(answers: Answers) -> Iterator[str]:
    yield from (
        "",
        "# Where diverted calls go out. More than one: in this order; the next when one fails or is full.",
        "[[egress_trunk]]",
        f"name = {_quoted(answers.egress_name)}",
        f"host_port = {_quoted(answers.egress)}",
        *_named("endpoint", answers.egress_endpoint),
        # A trunk that registers has one AOR, qualified or not; it is dialled by URI all the same.
        *_named("qualify_endpoint", answers.egress_endpoint),
        "channels = 30                # calls it carries at the same time",
        '# number_format = "e164"      # how it wants numbers: or "plain", "00", "national"',
        *_prefixes(answers.country, ("country_code", "national_prefix")),
        "",
        "# Something known good off this machine that answers SIP OPTIONS: tells an outage from our being cut off.",
    )
    if not answers.controls:
        yield from ("# [[control]]", '# name = "carrier_proxy"', '# host_port = "sip.example.com:5060"')
    for name, host_port in answers.controls:
        yield from ("[[control]]", f"name = {_quoted(name)}", f"host_port = {_quoted(host_port)}")
    yield from (
        "",
        "# Backups by itself, for whoever holds the secret key. `ringfence backup new-key FILE` makes a pair of keys.",
        "# [backup]",
        '# recipients = ["age1..."]     # the public key; without one there is no backup',
        '# directory = "/mnt/backups"   # another disk than state_dir\'s, whose loss backups are for',
        "",
    )


def _named(key: str, value: str) -> Iterator[str]:
    if value:
        yield f"{key} = {_quoted(value)}"


def _prefixes(country: str, wanted: tuple[str, ...]) -> Iterator[str]:
    """How numbers are written in that country, where it is not what the defaults say."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    if metadata is None:
        return  # the check of the whole text names the country
    international = metadata.preferred_international_prefix or metadata.international_prefix or ""
    found = {
        "country_code": str(metadata.country_code),
        "national_prefix": metadata.national_prefix or "",
        "international_prefix": international if international.isdigit() else "00",
    }
    for key in wanted:
        if found[key] != TrunkSettings.model_fields[key].default:
            yield f"{key} = {_quoted(found[key])}"


def _quoted(text: str) -> str:
    """A TOML basic string of any text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
