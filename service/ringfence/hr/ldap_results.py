"""What a directory's refusals mean, and what a person can do about each. Pure."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any, Final

from ringfence.app.hr.ports import FeedRefused, SourceError, SourceUnavailable
from ringfence.hr.certificates import certificate_error
from ringfence.hr.ldap_settings import LdapSettings

# Result codes of RFC 4511 section 4.1.9.
_CUT_SHORT: Final = frozenset({3, 4, 11})
_BUSY: Final = frozenset({51, 52})
_NEEDS_TLS: Final = frozenset({8, 13})
_REFERRAL, _CRITICAL_EXTENSION, _NO_SUCH_OBJECT, _NOT_ALLOWED = 10, 12, 32, 50

_AD_REASON: Final = re.compile(r"\bdata ([0-9a-f]{3,4})\b")
_AD_REASONS: Final = {
    "525": "there is no such account",
    "52e": "the password is wrong",
    "530": "the account may not sign in at this hour",
    "531": "the account may not sign in from here",
    "532": "its password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "its password must be changed first",
    "775": "the account is locked",
}


def sign_in_error(settings: LdapSettings, result: Mapping[str, Any]) -> SourceError:
    """Not worth a retry: the same account would only be locked. The password is in no text."""
    code = int(result.get("result", 0))
    if code in _BUSY:
        return SourceUnavailable(f"{settings.url} is busy ({result.get('description')}).", "It is asked again later.")
    if code in _NEEDS_TLS:
        return SourceError(f"{settings.url} takes no sign-in without TLS.", "Write ldaps://, or set start_tls.")
    found = _AD_REASON.search(str(result.get("message", "")))
    reason = _AD_REASONS.get(found[1], "") if found else ""
    return SourceError(
        f"{settings.url} refused the sign-in of {settings.bind_dn}: {reason or result.get('description')}.",
        f"Check bind_dn and the password in {settings.password_file}.",
    )


def result_error(settings: LdapSettings, base: str, result: Mapping[str, Any]) -> SourceError:
    """Why a search ended otherwise than with everything."""
    code, description = int(result["result"]), str(result.get("description"))
    if code in _CUT_SHORT:
        return FeedRefused(
            f"{settings.url} ended the search early ({description}): what came is not all.",
            f"Lift the limit for {settings.bind_dn} there, or set a smaller page_size.",
        )
    if code in _BUSY:
        return SourceUnavailable(f"{settings.url} is busy ({description}).", "It is asked again later.")
    if code == _REFERRAL:
        return SourceError(
            f"{settings.url} does not hold {base}; it refers to another server.", "Set `url` to a server that holds it."
        )
    if code == _NO_SUCH_OBJECT:
        return no_such_base(settings, base)
    if code == _CRITICAL_EXTENSION:
        return SourceError(
            f"{settings.url} does not know what it was asked for (paged results, or deleted objects).",
            "Only Active Directory knows include_deleted: leave it out elsewhere.",
        )
    if code == _NOT_ALLOWED:
        return SourceError(f"{settings.bind_dn} may not search {base}.", "Give the account the right to read it.")
    return SourceError(
        f"{settings.url} refused the search of {base}: {description}.", "Check base, filter and the attributes' names."
    )


def no_such_base(settings: LdapSettings, base: str) -> SourceError:
    """Also where the account is not allowed to see it: directories make no difference."""
    return SourceError(
        f"{base} is not there, or {settings.bind_dn} may not see it.",
        "Correct the name: has it been renamed or moved? Nobody is taken for a leaver by it.",
    )


def tls_error(settings: LdapSettings, fault: ssl.SSLError) -> SourceError:
    """Nothing was sent: neither the name nor the password."""
    if not isinstance(fault, ssl.SSLCertVerificationError):
        reason = fault.reason or "it broke off"
        return SourceUnavailable(
            f"{settings.url}: TLS cannot begin ({reason}).",
            "Is it the right port? 636 is for ldaps://, 389 for ldap://.",
        )
    return certificate_error(settings.url, fault)
