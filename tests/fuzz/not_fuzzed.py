"""Modules that read something and have no fuzzer, each with its reason."""

from __future__ import annotations

from typing import Final

_TYPED: Final = "what the person types who runs the command, in their own shell"
_DOCTOR: Final = "a doctor's check: words of this machine's own programs, for the person who asked"

NOT_FUZZED: Final[dict[str, str]] = {
    "ringfence.asterisk.ami": "takes what `ami_wire` has read; only names characters",
    "ringfence.asterisk.ari": "JSON or not, as `ari_link`; its answers are about our own questions",
    "ringfence.asterisk.ari_link": "JSON or not; what is in it is read by `events`",
    "ringfence.bootstrap.backup_aside": "one line of a process of our own",
    "ringfence.bootstrap.identity": "an id, compared with a pattern",
    "ringfence.channels.email": "a server's answer, shown on one line; smtplib reads it",
    "ringfence.cli.doctor.astdb_checks": _DOCTOR,
    "ringfence.cli.doctor.asterisk_checks": _DOCTOR,
    "ringfence.cli.doctor.endpoint_checks": _DOCTOR,
    "ringfence.cli.doctor.local_checks": _DOCTOR,
    "ringfence.cli.doctor.machine_checks": _DOCTOR,
    "ringfence.cli.doctor.record_checks": _DOCTOR,
    "ringfence.cli.doctor.server_checks": _DOCTOR,
    "ringfence.cli.doctor.voice_checks": _DOCTOR,
    "ringfence.cli.entries": _TYPED,
    "ringfence.cli.init_command": "reads back the configuration it has just written",
    "ringfence.cli.install.console": "hands on what Asterisk's console says",
    "ringfence.cli.install.leading_in": "looks for our own contexts in lines of `conf_files`",
    "ringfence.cli.install.removal": "names of our own variables on Asterisk's console",
    "ringfence.cli.install.survey": "sections of `conf_files` and Asterisk's console, shown before anything is written",
    "ringfence.cli.invocation": "one setting of the configuration; a file that cannot be read has none",
    "ringfence.cli.number_options": _TYPED,
    "ringfence.cli.person_commands": _TYPED,
    "ringfence.cli.person_picture": "moments that the daemon wrote",
    "ringfence.cli.presence_commands": _TYPED,
    "ringfence.cli.preview_command": "one table of the configuration, for the person who wrote it",
    "ringfence.cli.received_command": _TYPED,
    "ringfence.cli.simulate_command": "moments that the daemon wrote",
    "ringfence.cli.snippet_files": "looks for our own lines in files we write",
    "ringfence.cli.support.bundle": "writes",
    "ringfence.cli.support.gathering": "hands on what others read",
    "ringfence.cli.times": "moments that the daemon wrote, and what a person types",
    "ringfence.domain.denied_starts": "the numbering library's own patterns; a test reads all of them",
    "ringfence.domain.hr.items": "takes characters out of a name of a file",
    "ringfence.hr.ldap": "one text of a directory's, any bytes of which can be shown",
    "ringfence.probes.address": "asks the library whether a host is an address",
    "ringfence.probes.http": "h11 reads the answer; its address is a setting",
    "ringfence.store.once_rows": "rows of the database that only we write; what they hold is read as in the spool",
    "ringfence.store.order_store": "rows of the database that only we write; what they hold is read as in the spool",
    "ringfence.voice.espeak": "words of a program, shown when it fails",
    "ringfence.voice.texts": "our own files, shipped",
    "ringfence.web.openapi": "our own files, shipped",
}
