"""Which fields' texts a bundle may hold. What is not here stays at home: a new field is left out until somebody has
thought about it."""

from __future__ import annotations

from typing import Any, Final

from ringfence.cli.support.part import names

VERSIONS: Final = names("ringfence python implementation system kernel machine made_at libraries")

DOCTOR: Final = names("check state words fix")

DATABASE: Final = names("engine schema newest_schema")

TRANSITIONS: Final = names("at scope before after signal reason")

CALLS: Final = names("scope decision path reason result answered_by")

# Not among them: addresses on the web, which may hold a token; logins; paths of feeds; announced words.
CONFIGURATION: Final = names(
    "node language default_country state_dir socket asterisk_conf_dir name platform endpoint sources "
    "did_source country_code national_prefix international_prefix bare normal_context host_port profile announcement "
    "announcements number_format failback outbound_site countries denied_prefixes identity host sounds_dir cdr_csv "
    "time_zone type format probe_transport"
)

STATUS: Final = names(
    "api_version version node started_at at mode mode_words scope decision decision_words since reason sentence state "
    "kind speaks words without_traffic role rung learnt_at until detail verified_at lost_scopes would_loop newest_at "
    "next_at name last_good fault set_at not_ready_because next_change_at"
)
_OF_A_WORD: Final = ("mode", "set_at", "until", "alone")


def status_without_people(status: dict[str, Any]) -> dict[str, Any]:
    """Who decided what, and why, is written by people about people: what is left is that somebody did, and since when.
    The alarms quote it, and only say again what the rest says."""
    words = [_word(word) for word in status.get("overrides", ())]
    scopes = [{**scope, "override": _word(scope.get("override"))} for scope in status.get("scopes", ())]
    return {**status, "overrides": words, "scopes": scopes, "alarms": len(status.get("alarms", ()))}


def _word(override: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if override is None else {name: override.get(name) for name in _OF_A_WORD}
