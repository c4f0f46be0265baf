"""New inputs out of old ones: a piece removed, doubled, exchanged or put in, from the grammar or from what breaks
parsers everywhere."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

ODD: Final = (
    b"\x00", b"\r", b"\n", b"\r\n", b"\t", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3", b"\xed\xa0\x80",
    "\u2028".encode(), "\x85".encode(), "\u00a0".encode(), "²".encode(), "٣".encode(), "\u212a".encode(), "ß".encode(),
    "İ".encode(), "\U0001f600".encode(), "\ufdfa".encode(), b'"', b"'", b"\\", b"%00", b"%", b"%ff", b"%0a", b"%2B",
    b";", b":", b",", b"|", b"=", b"[", b"]", b"{", b"}", b"(", b")", b"<", b">", b"*", b"?", b"#", b"&", b"/", b"..",
    b"-", b"+", b"~", b"@", b"0", b"-1", b"1e9", b"1e400", b"NaN", b"Infinity", b"65536", b"2147483648",
    b"18446744073709551616", b"999999999999999999999", b"9" * 5000, b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00", b"24:00", b"null", b"true", b"[]", b"{}", b"${EXTEN}", b"$[1/0]", b"../../etc/passwd",
    b"[" * 2000, b'{"a":' * 2000, b"((((((((", b"<!DOCTYPE a>", b"A" * 300, b"07700 900123", b"+447700900123",
)  # fmt: skip
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 10**30, 1.5, float("nan"), float("inf"), "", " ", "x", "²", "\x00", "\ud800", "+44",
    [], {}, [None], [[]], {"": None}, "9" * 30, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2030-01-01",
    1e400,
)  # fmt: skip
MOST_CHANGES: Final = 4


class Mutator:
    """Reproducible: the same random numbers and the same corpus give the same inputs."""

    def __init__(self, random: Random, words: tuple[bytes, ...], max_bytes: int) -> None:
        self._random = random
        self._words = words
        self._max_bytes = max_bytes

    def changed(self, data: bytes, other: bytes) -> bytes:
        """`other`: any other known input, for pieces of it."""
        random = self._random
        if data[:1] in (b"{", b"[") and random.random() < 0.6:
            found = self._of_json(data)
            if found is not None and random.random() < 0.7:
                return found[: self._max_bytes]
            data = found if found is not None else data
        for _ in range(random.randint(1, MOST_CHANGES)):
            data = random.choice(_CHANGES)(self, data, other)
        return data[: self._max_bytes]

    def _span(self, data: bytes) -> tuple[int, int]:
        begin = self._random.randint(0, len(data))
        size = self._random.choice((1, 1, 2, 4, 8, 16, len(data)))
        return begin, min(len(data), begin + self._random.randint(0, size))

    def _piece(self) -> bytes:
        return self._random.choice(self._words if self._words and self._random.random() < 0.5 else ODD)

    def _removed(self, data: bytes, _: bytes) -> bytes:
        begin, end = self._span(data)
        return data[:begin] + data[end:]

    def _put_in(self, data: bytes, _: bytes) -> bytes:
        at = self._random.randint(0, len(data))
        return data[:at] + self._piece() + data[at:]

    def _exchanged(self, data: bytes, _: bytes) -> bytes:
        begin, end = self._span(data)
        return data[:begin] + self._piece() + data[end:]

    def _doubled(self, data: bytes, _: bytes) -> bytes:
        begin, end = self._span(data)
        return data[:end] + data[begin:end] * self._random.choice((1, 1, 2, 20)) + data[end:]

    def _flipped(self, data: bytes, _: bytes) -> bytes:
        if not data:
            return self._piece()
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._random.randrange(8))]) + data[at + 1 :]

    def _crossed(self, data: bytes, other: bytes) -> bytes:
        begin, end = self._span(other)
        at = self._random.randint(0, len(data))
        return data[:at] + (other[begin:end] or other) + data[at:]

    def _cut(self, data: bytes, _: bytes) -> bytes:
        return data[: self._random.randint(0, len(data))]

    def _line_moved(self, data: bytes, other: bytes) -> bytes:
        lines, others = data.splitlines(keepends=True), other.splitlines(keepends=True)
        if not lines:
            return data
        at = self._random.randrange(len(lines))
        taken = self._random.choice(others) if others and self._random.random() < 0.5 else lines.pop(at)
        lines.insert(self._random.randint(0, len(lines)), taken)
        return b"".join(lines)

    def _field_exchanged(self, data: bytes, _: bytes) -> bytes:
        """One field between separators becomes empty, odd, or another field."""
        separator = self._random.choice((b",", b"|", b":", b"\n", b" ", b"=", b";", b'"', b"\t", b"/", b"."))
        fields = data.split(separator)
        at = self._random.randrange(len(fields))
        fields[at] = self._random.choice((b"", self._piece(), self._random.choice(fields)))
        return separator.join(fields)

    def _of_json(self, data: bytes) -> bytes | None:
        """One place of the tree gets another value, goes, or comes again; None: it is no JSON."""
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return None
        place: Any = tree
        for _ in range(self._random.randint(0, 6)):
            inner = list(place.values()) if isinstance(place, dict) else place
            deeper = [one for one in inner if isinstance(one, dict | list) and one]
            if not deeper:
                break
            place = self._random.choice(deeper)
        if not place:
            return None
        self._change_in(place)
        return json.dumps(tree).encode()

    def _change_in(self, place: Any) -> None:
        random = self._random
        key = random.choice(list(place)) if isinstance(place, dict) else random.randrange(len(place))
        what = random.random()
        if what < 0.5:
            word = self._piece().decode("utf-8", "replace")
            place[key] = random.choice((*_VALUES, word, word, [place[key]], {"value": place[key]}))
        elif what < 0.7 and isinstance(place[key], str):
            place[key] = self._flipped_text(place[key])
        elif what < 0.85:
            del place[key]
        elif isinstance(place, dict):
            place[self._piece().decode("utf-8", "replace")] = place[key]
        else:
            place.append(place[key])

    def _flipped_text(self, text: str) -> str:
        at = self._random.randint(0, len(text))
        return text[:at] + self._piece().decode("utf-8", "replace") + text[at + self._random.randint(0, 3) :]


_CHANGES: Final = (
    Mutator._removed, Mutator._put_in, Mutator._put_in, Mutator._exchanged, Mutator._exchanged, Mutator._doubled,
    Mutator._flipped, Mutator._crossed, Mutator._cut, Mutator._line_moved, Mutator._field_exchanged,
)  # fmt: skip
