"""Every fault by name, with real calls through it, and what must hold: `make faults`.

`python -m tests.lab.faults` prints the table that is kept in `docs/reference/faults.md`. One configuration holds for
all rows. A row offers at least 200 calls, injects its fault about three seconds after the first, and compares what
became of the calls with its bounds.
"""
