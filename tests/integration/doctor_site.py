"""A private Asterisk set up exactly as `ringfence init` and an administrator would, for `ringfence doctor` to walk."""

from __future__ import annotations

from pathlib import Path

from ringfence.config.snippets import INCLUDES
from tests.lab.asterisk import AsteriskInstance, data_directory
from tests.lab.ports import HOST
from tests.unit.command_line import run_ringfence

FAR_END = "127.0.0.1:9"  # the discard port: nobody answers there


def set_up(instance: AsteriskInstance, home: Path, *, platform: str = FAR_END, egress: str = FAR_END) -> Path:
    """Runs `init` and adds the include lines; the configuration's path."""
    config = home / "ringfence.toml"
    done = run_ringfence(
        "init",
        *("--platform", platform),
        *("--trunk-source", HOST),
        *("--egress", egress),
        *("--platform-name", "uc"),
        *("--state-dir", str(home / "state")),
        *("--asterisk-conf-dir", str(instance.etc / "ringfence")),
        *("--ari-port", str(instance.ports.http)),
        *("--ami-port", str(instance.ports.ami)),
        *("--config", str(config)),
    )
    assert done.exit_code == 0, done.output
    sounds = instance.home.outside(data_directory(instance.home)) / "sounds"
    config.write_text(config.read_text().replace("[asterisk]\n", f'[asterisk]\nsounds_dir = "{sounds}"\n'))
    own = {
        # Without `verbose`: a log that prints private numbers is no sound site.
        "logger.conf": "[general]\n[logfiles]\nmessages=notice,warning,error\n",
        "pjsip.conf": f"[udp]\ntype=transport\nprotocol=udp\nbind={HOST}:{instance.ports.sip}\n",
        "manager.conf": f"[general]\nenabled=yes\nbindaddr={HOST}\nport={instance.ports.ami}\n",
        "ari.conf": "[general]\nenabled=yes\n",
        "http.conf": "[general]\n",
        "extensions.conf": "",
    }
    (instance.etc / "logger.conf").write_text(own["logger.conf"], encoding="utf-8")
    for include in INCLUDES:
        text = f"{own[include.asterisk_file]}{include.line}\n"
        (instance.etc / include.asterisk_file).write_text(text, encoding="utf-8")
    return config
