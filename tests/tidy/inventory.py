"""What is said of each place that `openings` finds, for people. A place without a line here fails a test."""

from __future__ import annotations

LISTENING = {
    "web.server": ("`[http] host`:`port` (127.0.0.1:8090), and the local socket", "a sign-in; on the socket its file"),
    "asterisk.fastagi": ("TCP 127.0.0.1:4573, only with `[fastagi] enabled`", "the address (`allowed`)"),
    "probes.stream": ("nothing: it chooses the address that a probe goes out from", ""),
    "cli.doctor.machine_checks": ("nothing: it tries whether the port is free, and lets go", ""),
}
"""Module -> where, and what lets somebody in."""

CONNECTING = {
    "asterisk.ami": ("AMI, `[asterisk] host`:`ami_port`", "a secret, in clear: loopback"),
    "asterisk.ari": ("ARI, `[asterisk] host`:`ari_port`", "a password in a header, in clear: loopback"),
    "probes.sip_transport": ("each platform and trunk that is probed, UDP", "nothing; or a test account's digest"),
    "probes.stream": (
        "the same, TCP and TLS",
        "a certificate that does not verify is told; what comes by it does not count",
    ),
    "store.sqlite": ("its own file", ""),
    "store.postgresql": ("`database`", "a password or certificate; libpq's `sslmode`"),
    "store.copy_first": ("its own file", ""),
    "cli.doctor.local_checks": ("its own file, read-only", ""),
    "hr.rest_link": ("an HR system's address, and no other host", "TLS is verified; a token or password"),
    "hr.ldap_link": ("a directory server", "TLS is verified; a password"),
    "hr.sftp_link": ("an SFTP server", "the host key has to be known; a key or password"),
    "web.oidc.link": ("a sign-in provider, and what its description names", "TLS is verified; a client secret"),
    "channels.webhook": ("a notice's address", "TLS is verified; each body is signed"),
    "channels.email": ("a mail server", "TLS is verified, none to this machine alone; a password"),
    "channels.monitor": ("the address that is told that we live", "TLS is verified"),
    "bootstrap.service_manager": ("systemd's socket", ""),
    "cli.client": ("the local socket", "its file"),
    "cli.doctor.daemon_checks": ("the local socket, and our own port", "its file; the token"),
    "cli.install.removal": ("the local socket: does a daemon live?", ""),
    "web.server": ("the local socket: does another daemon live?", ""),
}
"""Module -> where to, and how both know each other."""

STARTING = {
    "bootstrap.backup_aside": "itself, to make a backup",
    "store.migrating_aside": "itself, to bring the database up to date",
    "cli.programs": "`journalctl`, `asterisk -rx`: for `ringfence doctor` and a bundle for support",
    "cli.install.console": "`asterisk -rx`: for `ringfence init`, `remove` and `handover`",
    "voice.espeak": "`espeak-ng`: for `ringfence voice build`",
}
"""Module -> which program. None by a shell; all arguments are a list."""

MAKING = {
    "backup.files": ("backups", "0600"),
    "bootstrap.backup_making": ("their folder", "0700"),
    "bootstrap.identity": ("`state_dir`, its lock and the node's id", "0750, 0600"),
    "bootstrap.restored_files": ("what a backup brings back; never over another file", "0600; the configuration 0644"),
    "cli.audit_commands": ("an export of the record", "0600"),
    "cli.backup_work": ("a backup's new key", "0600"),
    "cli.directory_commands": ("an export of the directory", "0600"),
    "cli.incident_commands": ("an incident's evidence", "0600"),
    "cli.support.bundle": ("a bundle for support", "0600"),
    "cli.install.edits": ("a file of Asterisk's, replaced", "as it was; a new one 0640"),
    "cli.new_files": ("configuration, secrets, dialplan", "0600 for a secret, 0640 with a group, 0644 else"),
    "hr.folder": ("archived and rejected feeds", "0600 in 0700"),
    "hr.sftp": ("the same, on the server", "0600 in 0700"),
    "store.audit_anchors": ("the record's anchors", "0600"),
    "store.call_spool": ("calls that wait for the database", "0600 in 0700"),
    "store.spool": ("changes that wait for the database", "0600"),
    "store.copy_first": ("the copy before an upgrade", "0600"),
    "voice.sounds": ("prompts", "0644: Asterisk plays them"),
    "web.server": ("the local socket and its folder", "0660 in 0750"),
    "asterisk.example_site": ("the example in the repository; a developer's", "as the umask says"),
}
"""Module -> what, and its mode. The rest (the database, its log) is SQLite's, under the umask 0077."""

SECRETS = {
    "ari_secret": ("`ringfence init`", "Asterisk's `ari_ringfence.conf`"),
    "ami_secret": ("`ringfence init`", "Asterisk's `manager_ringfence.conf`"),
    "http_token": ("`ringfence init`", "programs that ask the API"),
    "database_password": ("you", "PostgreSQL"),
    "break_glass": ("`ringfence init`", "two envelopes; the file has hashes"),
    "oidc_<name>_secret": ("your provider", "the provider"),
    "notify_<name>_secret": ("you", "the receiver"),
}
"""Name -> who makes it, and who else has it."""

STRANGERS = {
    "/healthz": "alive, or not",
    "/readyz": "ready, or why not; no name, no number",
    "/metrics": "to this machine and `[http] metrics_from`, else 401: counts; names of platforms, trunks, routes",
    "/openapi.json": "to this machine alone, else 401: the API's description, the same for everybody",
    "/static/{name}": "style sheet and script, as in the repository",
    "/language/{code}": "keeps the page's language in a cookie; leads back to a page of ours",
    "/sign-in": "the page to sign in; the providers' titles",
    "/sign-in/break-glass": "takes a sealed account's password; locks after five wrong ones",
    "/oidc/{name}/begin": "sends the browser to the provider; at most 120 at once from one address",
    "/oidc/{name}/callback": "takes the provider's answer; the same",
    "/sign-out": "ends the browser's own session",
    "/scim/...": "an identity provider's pushes; 401 without the source's own token",
}
"""Path that answers somebody who has not signed in -> what with."""
