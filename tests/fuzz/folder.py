"""Places for parsers that read files."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def new_folder() -> Path:
    """An empty one, gone when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="ringfence-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
