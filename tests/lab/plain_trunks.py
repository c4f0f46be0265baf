"""A bare `pjsip.conf` of trunks told apart by the port they send from, for tests of the lab itself.

The product's own examples in `asterisk-conf/` are what tests of the product use.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.lab.ports import HOST


def plain_pjsip(sip_port: int, trunks: Mapping[str, tuple[int, str]]) -> str:
    """Each trunk's name with its port and the context of its calls."""
    parts = [f"[udp]\ntype=transport\nprotocol=udp\nbind={HOST}:{sip_port}\n"]
    for name, (port, context) in trunks.items():
        parts.append(
            f"[{name}]\ntype=endpoint\ncontext={context}\n"
            "disallow=all\nallow=ulaw,alaw,gsm\ndirect_media=no\n"
            f"[{name}]\ntype=identify\nendpoint={name}\nmatch={HOST}:{port}/32\n"
        )
    return "".join(parts)
