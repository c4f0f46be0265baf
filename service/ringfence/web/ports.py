"""What the HTTP API needs besides the operator's use cases."""

from __future__ import annotations

from typing import Protocol

from ringfence.app.directory_import import ImportPlan, StoredDirectory
from ringfence.domain.directory_csv import CsvFiles


class Importer(Protocol):
    """Import and export of the directory; `DirectoryImport` is one. `bootstrap` gives one that also has the new
    directory compiled and published once it is stored."""

    async def plan(self, files: CsvFiles) -> ImportPlan:
        """Reads and compares; stores nothing. May raise StoreError."""
        ...

    async def apply(self, plan: ImportPlan, who: str, why: str) -> StoredDirectory:
        """Stores what the plan showed. Raises ImportRefused, VersionConflict, StoreError."""
        ...

    async def export(self) -> dict[str, str]:
        """File name -> CSV text, private numbers in clear. May raise StoreError."""
        ...
