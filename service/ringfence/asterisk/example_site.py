"""An example site, and Asterisk's files for it: what `asterisk-conf/` shows a reader.

Run as a module it writes them there. A real site's files are written by `ringfence init`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ringfence.asterisk.connections import (
    SitePjsip,
    TrunkSources,
    render_ari,
    render_http,
    render_manager,
    render_pjsip,
)
from ringfence.asterisk.dialplan import render_dialplan
from ringfence.asterisk.sip_status import render_status_dialplan
from ringfence.asterisk.site import Announcement, Egress, EgressTrunk, PrimaryPlatform, SiteDialplan, Trunk
from ringfence.asterisk.site_outbound import Outbound, OutboundSite

_TRUNK = Trunk("carrier", "uc")
_PLATFORM = PrimaryPlatform("uc", "uc", "192.0.2.10:5060")
_EGRESS = Egress(
    trunks=(
        EgressTrunk("first", "egress_first", "192.0.2.20:5060", channel_count=30),
        EgressTrunk("second", "egress_second", "198.51.100.20:5060", channel_count=10),
    ),
    allowed_countries=("44",),
    # Personal numbering, service and premium rates: dear, and never anyone's default number.
    denied_prefixes=("+4470", "+448", "+449"),
)
# `ringfence init` puts a fresh one in its place.
_SECRET = "REPLACED-BY-ringfence-init"  # noqa: S105

_SITE = SiteDialplan(
    node="node1",
    trunks=(_TRUNK,),
    platforms=(_PLATFORM,),
    egress=_EGRESS,
    announcements=(Announcement("unavailable", ("ringfence/unavailable",)),),
)
_OUTBOUND = Outbound(
    sites=(OutboundSite("office", main_number="+441134960000", emergency_numbers=("112", "999")),),
    allowed_countries=("44",),
    denied_prefixes=("+4470", "+449"),
)
_PJSIP = SitePjsip(
    trunks=(TrunkSources(_TRUNK, "carrier", ("192.0.2.1",)),),
    platforms=(_PLATFORM,),
    egress_trunks=_EGRESS.trunks,
)

EXAMPLE_FILES: dict[str, str] = {
    "extensions_ringfence_site.conf": render_dialplan(_SITE, _OUTBOUND),
    "extensions_ringfence_status.conf": render_status_dialplan(),
    "pjsip_ringfence.conf": render_pjsip(_PJSIP),
    "ari_ringfence.conf": render_ari(_SECRET),
    "manager_ringfence.conf": render_manager(_SECRET),
    "http_ringfence.conf": render_http(8088),
}

if __name__ == "__main__":
    for name, text in EXAMPLE_FILES.items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
