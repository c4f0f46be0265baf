"""Where a secret comes from, first things first."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.config import ConfigError, load_secrets

NAMES = ("ari_secret", "ami_secret", "http_token")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with every secret in each of the files, each saying where it is from."""
    for folder in ("beside", "handed", "named"):
        (tmp_path / folder).mkdir()
        for name in NAMES:
            (tmp_path / folder / name).write_text(f"{folder}\n")
            monkeypatch.delenv(f"RINGFENCE_{name.upper()}", raising=False)
            monkeypatch.delenv(f"RINGFENCE_{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "handed"))
    return tmp_path / "beside" / "ringfence.toml"


def _ari_secret(config: Path) -> str:
    return load_secrets(config).ari_secret.get_secret_value()


def test_what_systemd_hands_us_goes_before_what_lies_beside_the_configuration(config: Path) -> None:
    assert _ari_secret(config) == "handed"


def test_a_variable_goes_before_it(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_ARI_SECRET_FILE", str(config.parents[1] / "named/ari_secret"))
    assert _ari_secret(config) == "named"
    monkeypatch.setenv("RINGFENCE_ARI_SECRET", "spoken")
    assert _ari_secret(config) == "spoken"


def test_without_it_the_file_beside_is_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config.parents[1] / "handed/ari_secret").unlink()
    assert _ari_secret(config) == "beside"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert load_secrets(config).ami_secret.get_secret_value() == "beside"


def test_one_that_is_nowhere_is_named(config: Path) -> None:
    (config.parents[1] / "handed/ari_secret").unlink()
    (config.parent / "ari_secret").unlink()
    with pytest.raises(ConfigError, match="ari_secret: not set"):
        load_secrets(config)
