"""The rules of a simulated call, from the very values the dialplan is generated from."""

from __future__ import annotations

from ringfence.asterisk.site import SiteDialplan
from ringfence.domain.simulation_values import EgressRules, PlatformRules, SiteRules, TrunkRules


def rules_of(site: SiteDialplan) -> SiteRules:
    """What `domain.simulation` needs to know of a site."""
    return SiteRules(
        ring_budget_seconds=site.ring_budget_seconds,
        ask_seconds=site.ask_seconds,
        platforms={p.name: PlatformRules(p.ring_seconds, p.no_progress_seconds) for p in site.platforms},
        trunks={
            trunk.name: TrunkRules(trunk.platform, trunk.early_media, trunk.language, trunk.normal_context)
            for trunk in site.trunks
        },
        allowed_codes=tuple(site.egress.allowed_countries),
        denied_starts=tuple(site.egress.denied_prefixes),
        egress=tuple(
            EgressRules(trunk.name, trunk.identity.rungs, trunk.identity.retry_seconds) for trunk in site.egress.trunks
        ),
        announcements=tuple(announcement.name for announcement in site.announcements),
    )
