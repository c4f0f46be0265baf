"""What is wrong between the sign-in providers and the rest of the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.config.http_settings import HttpSettings
from ringfence.web.oidc.settings import SignInSettings


def sign_in_faults(http: HttpSettings, providers: Sequence[SignInSettings]) -> list[str]:
    """Sentences with the fix."""
    names = [provider.name for provider in providers]
    faults = [
        f"sign_in name {name!r} is used twice; give each its own"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    if providers and http.enabled and not http.public_url:
        faults.append(
            "http.public_url is missing: a [[sign_in]] provider has to send people back to it; write where browsers "
            "reach this service, as https://ringfence.example.org"
        )
    return faults


def secret_name(provider: SignInSettings) -> str:
    """Under which its client secret is looked for."""
    return f"oidc_{provider.name}_secret"
