"""Whoever adds a probe adds its line in the registry too: what is not listed is never run."""

from __future__ import annotations

import ast

from ringfence.probes import PROBES
from tests.tidy.tree import SERVICE, python_files, tree_of


def test_every_probe_is_in_the_registry() -> None:
    written = {
        node.name
        for path in python_files(SERVICE / "probes")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Probe")
    }
    assert written == {probe.__name__ for probe in PROBES.values()}


def test_a_probe_is_registered_under_its_own_kind() -> None:
    assert all(probe.kind is kind for kind, probe in PROBES.items())
