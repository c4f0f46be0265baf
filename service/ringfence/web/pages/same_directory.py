"""What is worked out once for a directory and kept until there is another one."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.domain.directory import Directory


@dataclass(frozen=True, slots=True, eq=False)
class SameDirectory:
    """A directory compared by identity, as the key of a cache: comparing two by content would take longer than what is
    saved."""

    directory: Directory

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameDirectory) and other.directory is self.directory

    def __hash__(self) -> int:
        return id(self.directory)
