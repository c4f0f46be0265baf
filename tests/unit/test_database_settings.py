"""The database's address in the configuration: what is taken, and that a password in it never is, nor repeated."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ringfence.config import ConfigError, Secrets, load_database_password, parse
from ringfence.config.database_settings import PASSWORD_SECRET
from tests.fakes.smallest import smallest_in


def database(address: str) -> str:
    return parse({**tomllib.loads(smallest_in(Path("/tmp/state"))), "database": address}).database


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ""),
        ("postgresql://ringfence@/ringfence", "postgresql+psycopg://ringfence@/ringfence"),
        ("postgresql+psycopg://r@127.0.0.1:5433/r", "postgresql+psycopg://r@127.0.0.1:5433/r"),
        ("postgresql+psycopg://r@/r?host=/run/postgresql", "postgresql+psycopg://r@/r?host=/run/postgresql"),
        ("postgres://r@db.example.com/r?sslmode=require", "postgresql+psycopg://r@db.example.com/r?sslmode=require"),
        ("sqlite+aiosqlite:////srv/ringfence.db", "sqlite+aiosqlite:////srv/ringfence.db"),
    ],
)
def test_what_is_taken(written: str, read: str) -> None:
    assert database(written) == read


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("postgresql://r:hidden@db.example.com/r?sslmode=verify-full", f"secret `{PASSWORD_SECRET}`"),
        ("postgresql://r@db.example.com/r?sslmode=verify-full&password=hidden", f"secret `{PASSWORD_SECRET}`"),
        ("postgresql://r@db.example.com/r", "no sslmode"),
        ("postgresql://r@/r?host=db.example.com", "no sslmode"),
        ("postgresql://r@db.example.com/r?sslmode=prefer", "promises nothing"),
        ("postgresql://r@db.example.com:port/r?sslmode=require", "is no address"),
        ("postgresql://r@localhost", "names no database"),
        ("mysql://r:hidden@localhost/r", "is no address"),
    ],
)
def test_what_is_refused_says_why_and_never_a_password(written: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        database(written)
    (fault,) = caught.value.faults
    assert "database: " in fault and said in fault
    assert "hidden" not in fault


def test_the_password_is_a_secret_like_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, server = tmp_path / "ringfence.toml", "postgresql+psycopg://r@/r"
    assert load_database_password(config, server) == "", "the server may know us by our account"
    (tmp_path / PASSWORD_SECRET).write_text("beside\n")
    assert load_database_password(config, server) == "beside"
    assert load_database_password(config, "") == "", "a file has none"
    (tmp_path / "elsewhere").write_text("elsewhere")
    monkeypatch.setenv("RINGFENCE_DATABASE_PASSWORD_FILE", str(tmp_path / "elsewhere"))
    assert load_database_password(config, server) == "elsewhere"
    shown = Secrets.model_validate(
        {"ari_secret": "a", "ami_secret": "b", "http_token": "c", "database_password": "hidden"}
    )
    assert "hidden" not in repr(shown)
