"""The files Asterisk reads: checked-in copies equal to their generators, and nothing slips in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.asterisk.connections import (
    SitePjsip,
    TrunkSources,
    render_ari,
    render_http,
    render_manager,
    render_pjsip,
)
from ringfence.asterisk.dialplan import render_dialplan
from ringfence.asterisk.example_site import EXAMPLE_FILES
from ringfence.asterisk.sip_status import RULES, LegResult, classify, render_status_dialplan, rule_of
from ringfence.asterisk.site import (
    Announcement,
    Egress,
    EgressTrunk,
    NumberFormat,
    PrimaryPlatform,
    SiteDialplan,
    SiteValueError,
    Trunk,
)
from ringfence.domain.received_number import BareNumber, DidSource, NumberRules

SHIPPED = Path(__file__).parents[2] / "asterisk-conf"

HOSTILE = ("a\nb", "a]", "a;b", "a,b", "${x}", "a b", "", "a" * 600, "A", "1a", "a=b", "#include x", "ä")


def site(**changes: object) -> SiteDialplan:
    values: dict[str, object] = {
        "node": "node1",
        "trunks": (Trunk("carrier", "uc"),),
        "platforms": (PrimaryPlatform("uc", "uc", "192.0.2.1:5060"),),
        "egress": Egress((EgressTrunk("a", "egress_a", "192.0.2.2"),), ("44",)),
        **changes,
    }
    return SiteDialplan(**values)  # type: ignore[arg-type]


def test_shipped_status_file_is_the_table() -> None:
    assert (SHIPPED / "extensions_ringfence_status.conf").read_text() == render_status_dialplan()


@pytest.mark.parametrize("name", sorted(EXAMPLE_FILES))
def test_shipped_example_is_what_the_generator_writes(name: str) -> None:
    assert (SHIPPED / name).read_text() == EXAMPLE_FILES[name]


@pytest.mark.parametrize("rang", [True, False])
def test_every_final_status_has_a_result(rang: bool) -> None:
    assert all(isinstance(classify(status, rang=rang), LegResult) for status in range(300, 700))


def test_no_final_status_is_a_ring_out_or_a_failure() -> None:
    for status in (None, 100, 180, 183):
        assert classify(status, rang=True) is LegResult.UNANSWERED
        assert classify(status, rang=False) is LegResult.FAILURE


def test_every_row_is_reachable() -> None:
    assert {rule_of(status) for status in range(300, 700)} == set(RULES)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_names_are_refused(value: str) -> None:
    for make in (
        lambda: Trunk(value, "uc"),
        lambda: Trunk("carrier", value),
        lambda: PrimaryPlatform(value, "uc", "192.0.2.1"),
        lambda: EgressTrunk(value, "a", "192.0.2.1"),
        lambda: Announcement(value, ()),
    ):
        with pytest.raises(SiteValueError):
            make()


@pytest.mark.parametrize("value", ["a\nb", "a;b", "a,b", "${x}", "a b", "", "a)b", "a@b", "[1.2.3.4", "a" * 300])
def test_hostile_values_are_refused(value: str) -> None:
    for make in (
        lambda: PrimaryPlatform("uc", value, "192.0.2.1"),
        lambda: PrimaryPlatform("uc", "uc", value),
        lambda: EgressTrunk("a", "a", value),
        lambda: Announcement("unavailable", (value,)),
        lambda: Trunk("carrier", "uc", number=NumberRules(country=value)),
        lambda: Egress((), (value,)),
        lambda: Egress((), ("44",), (value,)),
        lambda: TrunkSources(Trunk("carrier", "uc"), "carrier", (value,)),
        lambda: render_ari(value),
        lambda: render_manager(value),
    ):
        with pytest.raises(SiteValueError):
            make()


@pytest.mark.parametrize("context", ["ringfence-in-carrier", "from pstn", "from-pstn,1", "a" * 80, "-x"])
def test_a_normal_context_is_one_of_the_sites_own(context: str) -> None:
    with pytest.raises(SiteValueError):
        Trunk("carrier", "uc", normal_context=context)


def test_only_a_trunk_with_a_normal_context_pays_for_it() -> None:
    plain = render_dialplan(site())
    handed = render_dialplan(site(trunks=(Trunk("carrier", "uc"), Trunk("own", "uc", normal_context="from-pstn"))))
    lines = [line for line in handed.splitlines() if "OWN_DIAL" in line or "ENTERED" in line or "NORMAL" in line]
    assert len(lines) == 3
    assert "OWN_DIAL" not in plain
    assert "RF_OWN_DIAL" not in handed.partition("[ringfence-in-own]")[0]


def test_numbers_without_a_plus_are_not_asked_for_one() -> None:
    platforms = (
        PrimaryPlatform("uc", "uc", "192.0.2.1"),
        PrimaryPlatform("old", "old", "192.0.2.3", NumberFormat.NATIONAL),
    )
    trunks = (
        Trunk("plain", "uc"),
        Trunk("own", "uc", normal_context="from-pstn"),
        Trunk("national", "uc", number=NumberRules(bare=BareNumber.NATIONAL)),
        Trunk("by_to", "uc", number=NumberRules(DidSource.TO)),
        Trunk("exchange", "old"),
    )
    _, *contexts = render_dialplan(site(trunks=trunks, platforms=platforms)).split("[ringfence-in-")
    asking = {text.partition("]")[0] for text in contexts if "?ringfence-route,${RF_DID},plain:" in text}
    assert asking == {"plain"}


def test_no_label_holds_a_number_before_it_is_known_to_be_one() -> None:
    lines = render_dialplan(site()).partition("[ringfence-in-carrier]")[2].splitlines()
    asked = next(number for number, line in enumerate(lines) if 'REGEX("^[+][0-9]{1,15}$" ${EXTEN})' in line)
    labels = [number for number, line in enumerate(lines) if re.search(r"\?[^?]*\$\{(EXTEN|RF_DID)\}", line)]
    assert labels
    assert min(labels) > asked


def test_secret_with_a_line_of_its_own_is_refused() -> None:
    for render in (render_ari, render_manager):
        with pytest.raises(SiteValueError):
            render("longenough\n[admin]")
    with pytest.raises(SiteValueError):
        render_http(0)


def test_names_must_be_unique_and_known() -> None:
    trunk = Trunk("carrier", "uc")
    with pytest.raises(SiteValueError, match="twice"):
        site(trunks=(trunk, trunk))
    with pytest.raises(SiteValueError, match="not there"):
        site(trunks=(Trunk("carrier", "other"),))
    with pytest.raises(SiteValueError, match="range prefix"):
        Trunk("carrier", "uc", number=NumberRules(bare=BareNumber.EXTENSION))
    with pytest.raises(SiteValueError, match="as received"):
        EgressTrunk("a", "a", "192.0.2.1", number_format=NumberFormat.AS_RECEIVED)
    platform = PrimaryPlatform("uc", "same", "192.0.2.1")
    with pytest.raises(SiteValueError, match="twice"):
        SitePjsip((), (platform,), (EgressTrunk("a", "same", "192.0.2.2"),))


def test_an_empty_allow_list_allows_nothing() -> None:
    text = render_dialplan(site(egress=Egress((), ())))
    assert "Set(GLOBAL(RF_EGRESS_ALLOW)=^$)" in text
    assert "Set(GLOBAL(RF_EGRESS_DENY)=^$)" in text


def test_a_changed_value_changes_the_edition() -> None:
    """Else running calls would go on with the old values after a reload."""
    editions = {
        line
        for budget in (60, 90)
        for line in render_dialplan(site(ring_budget_seconds=budget)).splitlines()
        if "GLOBAL(RF_SITE)" in line
    }
    assert len(editions) == 2


def test_semicolon_of_an_address_is_escaped() -> None:
    """Unescaped, it would begin a comment and take the rest of the address with it."""
    platform = PrimaryPlatform("uc", "uc", "uc.example.com:5061;transport=tls")
    assert "uc.example.com:5061\\;transport=tls" in render_dialplan(site(platforms=(platform,)))
    assert "contact=sip:uc.example.com:5061\\;transport=tls" in render_pjsip(SitePjsip((), (platform,), ()))


def test_far_ends_lead_nowhere_and_show_nobody() -> None:
    text = EXAMPLE_FILES["pjsip_ringfence.conf"]
    for section in text.split("\n[")[1:]:
        if "type=endpoint" in section and "_qualify]" not in section:
            for line in ("send_pai=no", "send_rpid=no", "allow_transfer=no", "trust_id_inbound=no", "message_context="):
                assert line in section
            assert "context=ringfence-closed" in section or "context=ringfence-in-" in section
            assert "aors=" not in section
