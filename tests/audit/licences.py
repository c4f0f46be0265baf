"""Under which licences the package carries what it carries, and whether that goes with its own (Apache-2.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files, metadata
from typing import Any

from tests.audit.locks import RUNTIME, pins

ALLOWED = {
    "Apache-2.0": "ours",
    "BSD-2-Clause": "permissive",
    "BSD-3-Clause": "permissive",
    "ISC": "permissive",
    "MIT": "permissive",
    "MIT-0": "permissive",
    "PSF-2.0": "permissive",
    "Unlicense": "permissive",
    "MPL-2.0": "a file that is changed stays under it; none is",
    "EPL-2.0": "a file that is changed stays under it; none is",
    "LGPL-3.0": "a library that anybody may replace: it lies as plain files in the package's own environment",
}
"""Licence -> why something under it may lie in our package."""

# As projects write them who know no SPDX.
_MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"
_CALLED = {
    "apache software license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "mit license": "MIT",
    "bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd-2": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "the unlicense (unlicense)": "Unlicense",
    "isc license (iscl)": "ISC",
    "python software foundation license": "PSF-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "gnu library or lesser general public license (lgpl)": "LGPL-3.0",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0",
    "lgpl v3": "LGPL-3.0",
    "lgpl-3.0-only": "LGPL-3.0",
    "lgpl-3.0-or-later": "LGPL-3.0",
}


def of_runtime() -> dict[str, str]:
    """Name -> licence of each package that this machine installs, as SPDX writes it where that can be told."""
    return {pin.name: _licence(pin.name) for pin in pins(RUNTIME) if pin.here}


def faults() -> Iterator[str]:
    """A licence that nobody has looked at."""
    for name, licence in of_runtime().items():
        # Of alternatives one is enough; what is joined by AND counts all.
        options = [
            re.split(r" AND ", option) for option in re.split(r" OR ", licence.replace("(", "").replace(")", ""))
        ]
        if not any(all(part.strip() in ALLOWED for part in option) for option in options):
            yield f"{name}: {licence or 'no licence is named'}"


def _licence(name: str) -> str:
    try:
        said: Any = metadata(name)
    except PackageNotFoundError:
        return ""
    if expression := said.get("License-Expression"):
        return " OR ".join(" AND ".join(_spdx(p) for p in o.split(" AND ")) for o in str(expression).split(" OR "))
    classified = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier", []) if line.startswith("License ::")
    ]
    named = [line for line in classified if line != "OSI Approved"]
    plain = str(said.get("License") or "").strip()
    if plain and "\n" not in plain and (_spdx(plain) in ALLOWED or not named):
        return _spdx(plain)
    return " OR ".join(sorted({_spdx(line) for line in named})) or _by_its_file(name)


def _by_its_file(name: str) -> str:
    """Of a package that only brings the text along."""
    texts = (path.read_text() for path in files(name) or () if "licenses" in path.parts)
    return "MIT" if any(_MIT in " ".join(text.split()) for text in texts) else ""


def _spdx(words: str) -> str:
    return _CALLED.get(words.strip().lower(), words.strip())
