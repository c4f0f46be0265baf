"""The modules of Asterisk that calls and the daemon depend on, each with what it is for: the daemon and `ringfence
doctor` look whether they are there.

`asterisk-conf/README.md` shows the same list; unit tests keep both, and the shipped dialplan, in step with it.
"""

from __future__ import annotations

from typing import Final

NEEDED_MODULES: Final = {
    "pbx_config": "the dialplan",
    "app_channelredirect": "ChannelRedirect, which makes room for an emergency call",
    "app_dial": "Dial",
    "app_exec": "ExecIf, TryExec",
    "app_playback": "announcements",
    "app_playtones": "the tones of an announcement without sounds, and of a wait without music",
    "app_read": "press 1 to accept",
    "app_stack": "Gosub and Return",
    "app_userevent": "telling how a call went",
    "func_callerid": "CALLERID",
    "func_cdr": "CDR, what became of the call in Asterisk's own record",
    "func_channel": "CHANNEL, CHANNELS",
    "func_cut": "CUT",
    "func_db": "DB, the published table",
    "func_dialplan": "DIALPLAN_EXISTS: a site's own context is there; `ringfence doctor` asks by it, too",
    "func_global": "GLOBAL, the site's values; SHARED, what became of a team's legs",
    "func_groupcount": "GROUP, the limits of the egress, and who of a team is on a call",
    "func_hangupcause": "HANGUPCAUSE, the platform's answer",
    "func_lock": "LOCK, one caller at a time",
    "func_logic": "IF",
    "func_md5": "MD5, by which a call that comes back is known without its number being kept",
    "func_rand": "RAND, the trial",
    "func_strings": "FILTER, REGEX, FIELDQTY, LEN, STRFTIME, STRREPLACE, TOUPPER",
    "func_uri": "URIENCODE",
    "chan_pjsip": "calls, and PJSIP_PARSE_URI",
    "res_pjsip": "SIP",
    "res_pjsip_session": "SIP calls",
    "res_pjsip_sdp_rtp": "their media",
    "res_rtp_asterisk": "their media",
    "res_pjsip_endpoint_identifier_ip": "telling trunks by address",
    "res_pjsip_caller_id": "the caller's number and Privacy",
    "res_pjsip_header_funcs": "PJSIP_HEADER",
    "codec_alaw": "the media of every PSTN trunk",
    "format_wav": "the prompts, which are WAV files",
    "res_http_websocket": "ARI's event stream",
    "res_stasis": "ARI",
    "res_ari": "ARI",
    "res_ari_applications": "the filter of the event stream",
    "res_ari_channels": "ARI's channels",
    "res_ari_endpoints": "ARI's endpoints",
    "res_ari_events": "ARI's event stream",
}

DOOR_MODULES: Final = {
    "res_agi": "AGI, which asks the daemon",
    "func_timeout": "TIMEOUT, without which nobody is asked",
}
"""Where the configuration has [fastagi] on."""

VOICEMAIL_MODULES: Final = {
    "app_voicemail": "voicemail as a step, and VM_INFO",
    "func_env": "STAT, by which a box's own greeting is found",
}
"""Where a plan has a voicemail step."""
