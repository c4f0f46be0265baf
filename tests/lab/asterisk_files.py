"""The files a private Asterisk needs before anything of the project is put into it.

An explicit module list starts in well under a second, where autoload takes several and stalls on
modules that want a configuration. A module that another release lacks is only a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.ports import HOST, PortRange

DIRECTORIES = ("etc", "var", "db", "keys/keys", "agi", "spool", "run", "log", "log/cdr-csv", "log/cdr-custom")

# Loaded in this order; each group needs the ones above it.
MODULES = """
res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_sorcery_realtime
res_crypto res_http_websocket res_websocket_client res_clialiases res_musiconhold res_stasis
res_stasis_answer res_stasis_playback res_stasis_recording res_stasis_snoop res_stasis_device_state
res_manager_devicestate res_ari_model res_ari res_ari_applications res_ari_asterisk res_ari_bridges
res_ari_channels res_ari_device_states res_ari_endpoints res_ari_events res_ari_playbacks
res_ari_recordings res_ari_sounds app_stasis res_pjproject res_geolocation res_pjsip
res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_diversion res_pjsip_header_funcs
res_pjsip_dlg_options res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user
res_pjsip_endpoint_identifier_anonymous res_pjsip_authenticator_digest
res_pjsip_outbound_authenticator_digest res_pjsip_outbound_registration res_pjsip_registrar
res_pjsip_rfc3326 res_pjsip_nat res_pjsip_acl res_pjsip_maintenance res_pjsip_logger res_pjsip_refer
res_speech res_agi res_pjsip_dtmf_info res_pjsip_path res_pjsip_pubsub res_pjsip_history res_rtp_asterisk chan_pjsip
codec_ulaw codec_alaw codec_gsm codec_a_mu codec_resample codec_g722 format_gsm format_pcm
format_wav format_sln bridge_simple bridge_native_rtp bridge_softmix bridge_holding
bridge_builtin_features func_callerid func_channel func_cut func_db func_devstate func_dialgroup
func_dialplan func_env func_extstate func_global func_groupcount func_hangupcause func_json
func_lock func_logic func_math func_base64 func_md5 func_sha1 func_module func_pjsip_aor
func_pjsip_contact func_pjsip_endpoint func_rand func_sorcery func_sprintf func_strings func_timeout
func_uri func_uuid func_version func_evalexten func_blacklist func_sysinfo app_dial app_playback
app_queue app_userevent app_stack app_read app_db app_exec app_verbose app_while app_if
app_originate app_bridgewait app_cdr app_playtones app_echo app_milliwatt app_waituntil
app_waitforcond app_softhangup app_transfer app_record app_senddtmf app_sayunixtime
app_controlplayback app_voicemail app_system app_channelredirect pbx_config pbx_spool func_cdr cdr_csv cdr_custom
"""

# British cadence, as the product's numbers are; only `ring` and friends matter to the lab.
INDICATIONS = """\
[general]
country=uk

[uk]
description=United Kingdom
ringcadence=400,200,400,2000
dial=350+440
busy=400/375,0/375
ring=400+450/400,0/200,400+450/400,0/2000
congestion=400/400,0/350,400/225,0/525
info=950/330,0/15,1400/330,0/15,1800/330,0/1000
"""


@dataclass(frozen=True, slots=True)
class AsteriskPorts:
    """Where one private Asterisk listens, all on the loopback address."""

    sip: int
    ami: int
    http: int
    rtp: PortRange


@dataclass(frozen=True, slots=True)
class ModuleTree:
    """Where the distribution keeps modules and sounds, as the program sees them."""

    modules: str
    data: str


def base_files(inside: str, tree: ModuleTree, ports: AsteriskPorts, secret: str) -> dict[str, str]:
    """Name to content. A caller's own file of the same name is never overwritten."""
    return {
        "asterisk.conf": _asterisk_conf(inside, tree),
        "modules.conf": _modules_conf(),
        "logger.conf": "[general]\ndateformat=%F %T.%3q\n[logfiles]\nmessages=notice,warning,error,verbose,security\n",
        "rtp.conf": f"[general]\nrtpstart={ports.rtp.first}\nrtpend={ports.rtp.last}\nicesupport=no\n",
        "indications.conf": INDICATIONS,
        "manager.conf": f"[general]\nenabled=yes\nbindaddr={HOST}\nport={ports.ami}\n"
        f"[lab]\nsecret={secret}\nread=all\nwrite=all\n",
        "http.conf": f"[general]\nenabled=yes\nbindaddr={HOST}\nbindport={ports.http}\n",
        "ari.conf": f"[general]\nenabled=yes\n[lab]\ntype=user\npassword={secret}\n",
        "pjsip.conf": f"[udp]\ntype=transport\nprotocol=udp\nbind={HOST}:{ports.sip}\n",
        "extensions.conf": "",
        "cdr.conf": cdr_conf(enable=False),
        "cel.conf": "[general]\nenable=no\n",
        "features.conf": "",
        "udptl.conf": "",
        "acl.conf": "",
        "ccss.conf": "",
        "queues.conf": "[general]\npersistentmembers=yes\n",
        "musiconhold.conf": f"[default]\nmode=files\ndirectory={tree.data}/music\n",
        "cli_aliases.conf": "",
        "stasis.conf": "",
        "geolocation.conf": "",
        "websocket_client.conf": "",
        "voicemail.conf": "",
        "pjproject.conf": "",
    }


def cdr_conf(*, enable: bool) -> str:
    """Asterisk's own call records, with the columns that Debian's file has, and what Ringfence ships for it."""
    general = "enable=yes\n#include ringfence/cdr_ringfence.conf" if enable else "enable=no"
    return f"[general]\n{general}\n[csv]\nusegmtime=yes\nloguniqueid=yes\nloguserfield=yes\n"


def _asterisk_conf(inside: str, tree: ModuleTree) -> str:
    """`[directories]` exactly: `[directories](!)` is a template and would be ignored."""
    own = "\n".join(
        f"{key} => {inside}/{directory}"
        for key, directory in (
            ("astetcdir", "etc"),
            ("astvarlibdir", "var"),
            ("astdbdir", "db"),
            ("astkeydir", "keys"),
            ("astagidir", "agi"),
            ("astspooldir", "spool"),
            ("astrundir", "run"),
            ("astlogdir", "log"),
        )
    )
    return (
        f"[directories]\n{own}\nastmoddir => {tree.modules}\nastdatadir => {tree.data}\n"
        "[options]\nverbose = 3\nnocolor = yes\nhideconnect = yes\n"
        # A test that fails must not be slowed by a core dump of half a gigabyte.
        "dumpcore = no\n"
    )


def _modules_conf() -> str:
    return "\n".join(["[modules]", "autoload=no", *(f"load={name}.so" for name in MODULES.split()), ""])


def write_missing(directory: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = directory / name
        if not path.exists():
            path.write_text(content, encoding="utf-8")
            # manager.conf and ari.conf hold a secret; the rest is no worse off.
            path.chmod(0o600)
