"""Whether the voicemail boxes that plans name are there: `ringfence doctor` asks Asterisk."""

from __future__ import annotations

from tests.integration.test_doctor import DoctorSite, site, words

__all__ = ["site"]


async def test_a_box_that_asterisk_does_not_have_is_named(site: DoctorSite) -> None:
    site.asterisk.prepare()
    (site.asterisk.etc / "voicemail.conf").write_text("[site]\n600 => 48151,Reception\n")
    await site.start()
    for did, box in (("+441134960001", "600@site"), ("+441134960002", "601@site")):
        plan = f"v:{box}:0,a:unavailable:0"
        await site.asterisk.db_put(f"ringfence/did/{int(did[-3:])}", did, f"1|uc|-|voice|0|{plan}|{plan}")
    generation = "1|1|1700000000|2"
    await site.asterisk.db_put("ringfence", "table", generation)
    found = words((await site.examine())["table rows"])
    assert "no voicemail box 601@site" in found
    assert "600@site" not in found
