"""Asterisk's snippets from the configuration: complete, refused when hostile, renewed without a trace of a secret."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path

import pytest

from ringfence.asterisk.example_site import EXAMPLE_FILES
from ringfence.asterisk.needed_modules import DOOR_MODULES, NEEDED_MODULES, VOICEMAIL_MODULES
from ringfence.cli.new_files import WriteFault, replace_all
from ringfence.cli.snippet_files import files_of
from ringfence.config import ConfigError, Secrets, parse
from ringfence.config.snippets import (
    ALL_SNIPPETS,
    INCLUDES,
    SHIPPED,
    generated_snippets,
    shipped_dir,
    shipped_snippets,
)
from tests.unit.command_line import run_ringfence
from tests.unit.test_config import GOOD
from tests.unit.test_init import ESSENTIAL, config_of, places

SECRETS = Secrets.model_validate(
    {"ari_secret": "ari-0123456789", "ami_secret": "ami-0123456789", "http_token": "web-0123456789"}
)
PJSIP = "pjsip_ringfence.conf"
SITE = "extensions_ringfence_site.conf"


def snippets_of(text: str) -> dict[str, str]:
    return generated_snippets(parse(tomllib.loads(text)), SECRETS)


def test_every_file_there_is_comes_from_one_of_two_places() -> None:
    assert set(snippets_of(GOOD)) | set(shipped_snippets()) == set(ALL_SNIPPETS)
    assert set(ALL_SNIPPETS) == set(EXAMPLE_FILES) | set(SHIPPED)
    assert {include.snippet for include in INCLUDES} <= set(ALL_SNIPPETS)


def test_each_trunk_has_one_context_and_each_far_end_is_closed() -> None:
    texts = snippets_of(GOOD)
    assert "[ringfence-in-carrier]" in texts[SITE]
    assert "context=ringfence-in-carrier" in texts[PJSIP]
    assert texts[PJSIP].count("\ncontext=ringfence-closed") == 4  # dialled and qualified, platform and egress


def test_how_often_a_far_end_is_asked_is_its_profiles() -> None:
    text = snippets_of(GOOD.replace('name = "out"', 'name = "out"\nprofile = "wan"'))[PJSIP]
    asked = re.findall(r"contact=sip:(\S+)\nqualify_frequency=(\d+)\nqualify_timeout=([0-9.]+)", text)
    assert asked == [("192.0.2.10:5060", "1", "0.5"), ("203.0.113.20:5060", "4", "3")]
    assert text.count("[ringfence-carrier]") == 1


def test_what_the_site_calls_its_own_is_not_written() -> None:
    text = GOOD.replace('name = "uc"', 'name = "uc"\nendpoint = "sbc"', 1).replace(
        'platform = "uc"', 'platform = "uc"\nendpoint = "their_trunk"'
    )
    texts = snippets_of('[asterisk]\nami_user = "theirs"\n' + text)
    assert "sbc" not in texts[PJSIP]
    assert "their_trunk" not in texts[PJSIP]
    assert "RF_P_uc_ENDPOINT)=sbc" in texts[SITE]
    assert "manager_ringfence.conf" not in texts
    assert "ari_ringfence.conf" in texts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"198.51.100.1"', '"198.51.100.1\\n[evil]"'),
        ('name = "uc"', 'name = "uc"\nendpoint = "sbc]\\n[evil"'),
        ('name = "out"', 'name = "out"\nendpoint = "a,b"'),
        ("[[control]]", '[[announcement]]\nname = "unavailable"\nsounds = ["x)\\nsame => n,System(id"]\n[[control]]'),
        ("[[control]]", '[[announcement]]\nname = "unavailable"\nsounds = ["${SHELL(id)}"]\n[[control]]'),
    ],
)
def test_a_value_that_could_add_a_line_is_refused(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        snippets_of(GOOD.replace(old, new, 1))
    assert "is not allowed" in str(caught.value)


def test_all_refusals_come_at_once() -> None:
    text = GOOD.replace('"198.51.100.1"', '"1.2.3.4;x"').replace(
        "[[control]]", '[[announcement]]\nname = "unavailable"\nsounds = ["a b"]\n[[control]]'
    )
    with pytest.raises(ConfigError) as caught:
        snippets_of(text)
    assert len(caught.value.faults) == 2


def test_countries_become_calling_codes() -> None:
    text = GOOD.replace("[[control]]", '[egress]\ncountries = ["GB", "JE", "NL"]\n[[control]]')
    assert "RF_EGRESS_ALLOW)=^[+](31|44)" in snippets_of(text)[SITE]


def test_snippets_renews_what_changed_and_shows_it(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    config, conf_dir = config_of(tmp_path), tmp_path / "etc" / "asterisk" / "ringfence"
    assert "Nothing to change" in run_ringfence("snippets", "--config", str(config)).output
    config.write_text(config.read_text().replace("channels = 30", "channels = 12"))

    dry = run_ringfence("snippets", "--dry-run", "--config", str(config))
    assert "+ same => n,Set(GLOBAL(RF_E_egress_CHANNELS)=12)" in dry.output
    assert "CHANNELS)=30" in (conf_dir / SITE).read_text()

    done = run_ringfence("snippets", "--config", str(config))
    assert done.exit_code == 0, done.output
    assert "CHANNELS)=12" in (conf_dir / SITE).read_text()
    assert "asterisk -rx 'dialplan reload'" in done.output
    assert "manager reload" not in done.output
    assert {path.name for path in conf_dir.iterdir()} == set(ALL_SNIPPETS), "no temporary file is left"


def test_renewing_that_is_interrupted_leaves_no_include_of_a_missing_file(tmp_path: Path) -> None:
    main, part = tmp_path / SHIPPED[0], tmp_path / SHIPPED[-2]
    main.write_text("; of an older edition, without that part\n")
    part.mkdir()  # no file can be renamed to it
    with pytest.raises(WriteFault):
        replace_all(files_of(tmp_path, shipped_snippets()))
    assert main.read_text().startswith("; of an older edition")
    assert (tmp_path / SHIPPED[1]).exists()


def test_a_file_comes_behind_those_it_includes() -> None:
    texts = shipped_snippets() | snippets_of(GOOD)
    order = [file.path.name for file in files_of(Path("/nowhere/ringfence"), texts)]
    for place, name in enumerate(order):
        for part in re.findall(r"^#include ringfence/(\S+)", texts[name], re.MULTILINE):
            assert order.index(part) < place
    removed = [name for name in ALL_SNIPPETS if name in texts]
    assert removed.index(SHIPPED[0]) == 0, "the other way round"


def test_a_changed_secret_is_renewed_and_not_shown(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    config, conf_dir = config_of(tmp_path), tmp_path / "etc" / "asterisk" / "ringfence"
    old = (config.parent / "ami_secret").read_text().strip()
    (config.parent / "ami_secret").write_text("another-secret-0123\n")
    (conf_dir / "manager_ringfence.conf").chmod(0o640)
    done = run_ringfence("snippets", "--config", str(config))
    assert "another-secret-0123" in (conf_dir / "manager_ringfence.conf").read_text()
    assert "another-secret-0123" not in done.output
    assert old not in done.output
    assert "manager reload" in done.output
    assert stat.S_IMODE((conf_dir / "manager_ringfence.conf").stat().st_mode) == 0o640


def test_shipped_files_are_renewed_only_when_asked(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    config, conf_dir = config_of(tmp_path), tmp_path / "etc" / "asterisk" / "ringfence"
    (conf_dir / SHIPPED[0]).write_text("; of an older version\n")
    assert "Nothing to change" in run_ringfence("snippets", "--config", str(config)).output
    run_ringfence("snippets", "--shipped", "--config", str(config))
    assert (conf_dir / SHIPPED[0]).read_text() == shipped_snippets()[SHIPPED[0]]


# The applications and functions of Asterisk's core, which need no module.
_CORE = {
    "Set",
    "MSet",
    "Goto",
    "GotoIf",
    "NoOp",
    "Hangup",
    "Answer",
    "Wait",
    "Progress",
    "Ringing",
    "SayNumber",
    "LEN",
    "S",
    "U",
    "b",
}
# Of res_musiconhold. Without it callers who wait hear it ring.
_OF_MUSIC = {"StartMusicOnHold", "StopMusicOnHold"}
ALL_MODULES = {*NEEDED_MODULES, *DOOR_MODULES, *VOICEMAIL_MODULES}
_MODULE_OF = {
    "DIALPLAN_EXISTS": "func_dialplan",
    "Dial": "app_dial",
    "ExecIf": "app_exec",
    "TryExec": "app_exec",
    "Playback": "app_playback",
    "Playtones": "app_playtones",
    "StopPlaytones": "app_playtones",
    "Read": "app_read",
    "CHANNEL_EXISTS": "func_channel",
    "IMPORT": "func_logic",
    "FIELDNUM": "func_strings",
    "Gosub": "app_stack",
    "Return": "app_stack",
    "StackPop": "app_stack",
    "IF": "func_logic",
    "LOCAL": "app_stack",
    "UserEvent": "app_userevent",
    "CALLERID": "func_callerid",
    "CHANNEL": "func_channel",
    "CHANNELS": "func_channel",
    "ChannelRedirect": "app_channelredirect",
    "CUT": "func_cut",
    "DB": "func_db",
    "DB_EXISTS": "func_db",
    "GLOBAL": "func_global",
    "SHARED": "func_global",
    "LOCK": "func_lock",
    "UNLOCK": "func_lock",
    "GROUP": "func_groupcount",
    "GROUP_COUNT": "func_groupcount",
    "GROUP_MATCH_COUNT": "func_groupcount",
    "MD5": "func_md5",
    "HANGUPCAUSE": "func_hangupcause",
    "HANGUPCAUSE_KEYS": "func_hangupcause",
    "HangupCauseClear": "func_hangupcause",
    "RAND": "func_rand",
    "CDR": "func_cdr",
    "CDR_PROP": "func_cdr",
    "FILTER": "func_strings",
    "REGEX": "func_strings",
    "FIELDQTY": "func_strings",
    "STRREPLACE": "func_strings",
    "STRFTIME": "func_strings",
    "URIENCODE": "func_uri",
    "TOUPPER": "func_strings",
    "PJSIP_HEADER": "res_pjsip_header_funcs",
    "PJSIP_PARSE_URI": "chan_pjsip",
    "VoiceMail": "app_voicemail",
    "VM_INFO": "app_voicemail",
    "STAT": "func_env",
    "AGI": "res_agi",
    "TIMEOUT": "func_timeout",
}


def test_the_doctor_asks_for_every_module_the_dialplan_uses() -> None:
    text = "\n".join([*shipped_snippets().values(), snippets_of(GOOD)[SITE]])
    code = "\n".join(line.partition(" ;")[0] for line in text.splitlines() if not line.lstrip().startswith(";"))
    used = set(re.findall(r"\b([A-Z][A-Za-z_]*)\(", code)) - _CORE - _OF_MUSIC
    assert used - set(_MODULE_OF) == set(), "name the module of what is new, here and in needed_modules.py"
    assert {_MODULE_OF[name] for name in used} <= ALL_MODULES


def test_the_readme_lists_the_same_modules_and_includes() -> None:
    readme = (shipped_dir() / "README.md").read_text()
    assert (
        set(re.findall(r"^\| `((?:app|func|pbx|chan|res|codec|format)_\w+)` \|", readme, re.MULTILINE)) == ALL_MODULES
    )
    for include in INCLUDES:
        assert include.line in readme
    for name in ALL_SNIPPETS:
        assert name in readme
