"""Where Asterisk is, and what of its files Ringfence reads and writes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ringfence.config.words import Port, Table


class AsteriskSettings(Table):
    """[asterisk]: where Asterisk's two interfaces are."""

    host: str = Field("127.0.0.1", description="address of ARI and AMI; loopback, the daemon runs beside Asterisk")
    ari_port: Port = Field(8088, description="port of Asterisk's HTTP server")
    ari_user: str = Field("ringfence", description="user in ari.conf")
    ami_port: Port = Field(5038, description="port of the manager interface")
    ami_user: str = Field("ringfence", description="user in manager.conf")
    cdr_csv: Path = Field(
        Path("/var/log/asterisk/cdr-csv/Master.csv"),
        description="Asterisk's own call records, for calls that ended while the daemon was away",
    )
    sounds_dir: Path = Field(
        Path("/usr/share/asterisk/sounds"),
        description="Asterisk's sounds: `sounds` below its astdatadir; `ringfence voice build` writes there",
    )
