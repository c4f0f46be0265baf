"""No secret beside the configuration is forgotten where all of them are meant: in backups, and where they are looked
for in what leaves the machine."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path, PosixPath
from typing import IO, Any, ClassVar

from ringfence.bootstrap import sealed_file
from ringfence.config import load, reading
from ringfence.config.notify_settings import KINDS
from ringfence.config.reading import secret_places
from tests.fakes.smallest import smallest_in

DATABASE = "postgresql+psycopg://ringfence@/ringfence"
MORE = """
[http]
public_url = "https://ringfence.example.org"

[[notify]]
name = "desk"
type = "webhook"
url = "https://desk.example.org/"

[[notify]]
name = "mail"
type = "email"
host = "mail.example.org"
sender = "ringfence@example.org"
to = ["desk@example.org"]

[[notify]]
name = "chat"
type = "apprise"

[[sign_in]]
name = "office"
issuer = "https://id.example.org"
client_id = "ringfence"
role_map = { staff = "admin" }
"""


class Watched(PosixPath):
    """Notes the name of each file that is opened by it, or by a path made from it; there or not."""

    opened: ClassVar[set[str]] = set()

    def open(self, *arguments: Any, **options: Any) -> IO[Any]:  # type: ignore[override]
        self.opened.add(self.name)
        found: IO[Any] = super().open(*arguments, **options)
        return found

    def read_text(self, *arguments: Any, **options: Any) -> str:
        self.opened.add(self.name)
        return super().read_text(*arguments, **options)


def test_every_secret_that_is_read_has_its_place(tmp_path: Path) -> None:
    path = Watched(tmp_path / "ringfence.toml")
    path.write_text(smallest_in(tmp_path, f'database = "{DATABASE}"\n', last=MORE))
    settings = load(path)
    assert {route.type for route in settings.notify} == set(KINDS), "a kind of channel is missing here"
    places = secret_places(path, settings)
    for place in places.values():
        place.write_text("a-secret-0123456789")
    Watched.opened = set()
    given = {"path": path, "settings": settings, "database": settings.database}
    for load_them in _loaders():
        load_them(*(given[name] for name in inspect.signature(load_them).parameters))
    sealed_file.read(sealed_file.place_beside(path))
    assert Watched.opened - {path.name} == set(places)


def _loaders() -> list[Callable[..., object]]:
    """What reads secrets, by its name: one that is added later is found by itself."""
    found = [work for name, work in vars(reading).items() if name.startswith("load_")]
    assert len(found) >= 4, "the readers of secrets have other names now"
    return found
