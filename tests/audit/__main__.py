"""`make audit`: what is known against what is locked.

Exit status: 0 all was looked at and nothing found; 1 something was found; 2 nothing was found, but something was not
looked at."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.audit import report


def main() -> int:
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--advisories", type=Path, help="a folder with an advisory database in OSV's form")
    parser.add_argument("--write", action="store_true", help=f"write {report.PAGE.name}, too")
    given = parser.parse_args()
    checks = report.looked_at(given.advisories)
    for check in checks:
        print(f"{check.state:8} {check.what}: {check.words}")
        for fault in check.faults:
            print(f"         {fault}")
    if given.write:
        report.PAGE.write_text(report.page(checks), encoding="utf-8")
    states = {check.state for check in checks}
    return 1 if report.FOUND in states else 2 if states & {report.SKIPPED, report.OLD} else 0


if __name__ == "__main__":
    raise SystemExit(main())
