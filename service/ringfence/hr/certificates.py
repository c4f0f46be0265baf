"""Certificates of the servers that sources read: whose are believed, and what a person can do about one that is not."""

from __future__ import annotations

import ssl
from pathlib import Path

from ringfence.app.hr.ports import SourceError, SourceUnavailable


def verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    """Believes the CAs of the file, else the system's, and the host's name alone. Raises SourceError."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", "") or str(error) or type(error).__name__).splitlines()[0][:200]
        raise SourceError(
            f"ca_file: {ca_file} cannot be used: {reason}.", "It has to hold certificates in PEM form."
        ) from None


def certificate_error(server: str, fault: ssl.SSLCertVerificationError) -> SourceUnavailable:
    """`server` is its address, for people."""
    reason = (fault.verify_message or "unknown reason").rstrip(".")
    if "mismatch" in reason.lower():
        fix = "Set the host in `url` to a name that stands in the certificate."
    elif "expired" in reason.lower() or "not yet valid" in reason.lower():
        fix = "Renew the server's certificate; is this machine's clock right?"
    else:
        fix = "Set `ca_file` to the PEM file of the CA that issued the server's certificate."
    return SourceUnavailable(f"The certificate of {server} does not verify: {reason}.", fix)
