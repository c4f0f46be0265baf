"""Certificates of the servers that notices go to: whose are believed, and what to do about others."""

from __future__ import annotations

import ssl
from pathlib import Path

from ringfence.app.notify.ports import ChannelUnavailable


def verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    """Believes the CAs of the file, else the system's, and the host's name alone. Raises ChannelUnavailable."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", "") or type(error).__name__).splitlines()[0][:200]
        raise ChannelUnavailable(
            f"ca_file: {ca_file} cannot be used: {reason}.", "It has to hold certificates in PEM form."
        ) from None


def certificate_fault(server: str, fault: ssl.SSLError) -> ChannelUnavailable:
    """It is tried again: a certificate gets renewed."""
    if not isinstance(fault, ssl.SSLCertVerificationError):
        return ChannelUnavailable(f"{server}: TLS cannot begin.", "Does it speak TLS 1.2 or later on this port?")
    reason = (fault.verify_message or "unknown reason").rstrip(".")
    return ChannelUnavailable(
        f"The certificate of {server} does not verify: {reason}.",
        "Write the name that stands in it, renew it, or set `ca_file` to the PEM file of the CA that issued it.",
    )
