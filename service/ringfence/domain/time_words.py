"""Lengths of time as people say them in reports."""

from __future__ import annotations


def in_words(seconds: float) -> str:
    """`3 d 4 h`, `12 min`, `40 s`."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7_200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h" if whole < 172_800 else f"{whole // 86_400} d {whole % 86_400 // 3600} h"
