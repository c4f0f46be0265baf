"""What `ringfence doctor` asks for only where it is used."""

from __future__ import annotations

from tests.integration.test_doctor import DoctorSite, site, words

__all__ = ["site"]


async def test_what_only_some_sites_use_is_asked_for_there(site: DoctorSite) -> None:
    """FastAGI's modules, and the endpoint of the lowest identity beside an endpoint of the site's own."""
    text = site.config.read_text() + "\n[fastagi]\nenabled = true\n"
    own = '[[egress_trunk]]\nendpoint = "ringfence-carrier"\ntrunk_number = "+441134969000"\n'
    site.config.write_text(text.replace("[[egress_trunk]]\n", own, 1))
    site.asterisk.prepare()
    for module in ("res_agi.so", "func_timeout.so"):
        site.edit("modules.conf", f"load={module}\n", "")
    await site.start()
    found = await site.examine()
    assert "res_agi" in words(found["modules"])
    assert "func_timeout" in words(found["modules"])
    assert "ringfence-carrier_trunk" in words(found["endpoints"])


async def test_a_voicemail_step_needs_its_modules(site: DoctorSite) -> None:
    site.asterisk.prepare()
    site.edit("modules.conf", "load=app_voicemail.so\n", "")
    await site.start()
    assert "app_voicemail" not in words((await site.examine())["table rows"])
    plan = "v:600@site:0,a:unavailable:0"
    await site.asterisk.db_put("ringfence/did/1", "+441134960001", f"1|uc|-|voice|0|{plan}|{plan}")
    found = await site.examine()
    assert "app_voicemail" in words(found["table rows"])
