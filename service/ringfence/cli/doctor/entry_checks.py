"""How people come in by browser: the certificate, and whether each sign-in provider can be used."""

from __future__ import annotations

from ringfence.bootstrap.clock import SystemClock
from ringfence.cli.config_report import certificate_warning
from ringfence.cli.doctor.finding import Finding, fail, ok, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.local_checks import open_to_others
from ringfence.config import ConfigError, load_client_secrets
from ringfence.web.oidc.provider import Provider
from ringfence.web.oidc.refusal import OidcRefused, Refusal
from ringfence.web.tls import CertificateFault

_FIXES = {
    Refusal.PROVIDER_DOWN: "Can this machine reach it, and is its certificate's CA known (`ca_file`)?",
    Refusal.PROVIDER_ODD: "Copy `issuer` from the provider letter by letter, a slash at its end included.",
}


async def certificate(ground: Ground) -> list[Finding]:
    """Can be used, lasts, and nobody else may read its key."""
    http = ground.settings.http
    if http.certificate is None or http.private_key is None:
        return [ok("TLS does not end here; the HTTP door is for this machine, or for a proxy.")]
    try:
        words = certificate_warning(ground.settings)
    except CertificateFault as fault:
        return [fail(fault.message, fault.fix)]
    readable = open_to_others(http.private_key)
    findings = [warn(f"{words[0].upper()}{words[1:]}.", "Renew it; the daemon takes it up by itself.")] if words else []
    return [*findings, *([readable] if readable else [])] or [ok(f"{http.certificate} can be used.")]


async def sign_in(ground: Ground) -> list[Finding]:
    """Each provider describes itself as configured. Nobody is signed in, and no secret is sent."""
    settings, path = ground.settings, ground.config_path
    try:
        load_client_secrets(path, settings)
    except ConfigError as error:
        return [fail(fault, "See docs/howto/connect-openid.md.") for fault in error.faults]
    findings = []
    for one in settings.sign_in:
        try:
            await Provider(one, None, settings.http.public_url, SystemClock()).look()
        except OidcRefused as error:
            fix = _FIXES.get(error.reason, "See docs/howto/connect-openid.md.")
            findings.append(fail(f"sign_in {one.name!r}: {error.reason} ({error.detail}).", fix))
        else:
            findings.append(ok(f"sign_in {one.name!r} can be used."))
    return findings or [ok("No sign-in provider is configured; the break-glass accounts and the CLI are the ways in.")]
