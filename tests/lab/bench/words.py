"""What the page says about its figures."""

from __future__ import annotations

from typing import Final

HEAD: Final = """\
# Beside its rivals

*For those who choose between this and something simpler: what each costs, and what each loses.*

Written by `python -m tests.lab.bench --write-docs`; `make bench` runs the same and prints it. It takes about {minutes}
minutes and ends with status 1 when a bound is broken, or when a contestant could not be had. `--only NAME` runs some
of the measurements, `--json FILE` writes the figures.

All contestants run side by side on one machine, each with an Asterisk (or a Kamailio) of its own, and share the
platform and the mobile network. Each gets its own calls from a carrier (SIPp). The rivals have one fixed fallback
number; none of them knows a number per person. Ringfence runs as `ringfence init` lays it, with the daemon, and with
default settings but for what the lab's callers and mobiles need. Everything talks over the loopback.

Measured on: {machine}.
"""

COST: Final = """
*Delay*: from the INVITE to the first ringing, on a platform that rings at once, in blocks of calls that alternate
between the contestants. *Added*: the median difference of a block to the bare Asterisk's block beside it.
*Calls/s in time*: of {offered} offered each second, those that rang within a second and were answered. *Most
calls/s*: twenty calls at a time that are answered, hung up at once and followed by the next; *to bare* is that rate
against the bare Asterisk's, *CPU* what one of those calls takes of the contestant's own processes. *Memory*: resident,
all processes together, while the offered calls came. *Daemon stopped*: the same dialplan and the same calls, with
nobody connected to Asterisk's AMI and ARI.
"""

FAULTS: Final = """
In each cell: calls *lost* of those offered; the worst *delay* until it rang; the delay *after the verdict*, which is
the median of ten calls some ten seconds after the fault, less the 50 ms that a ring takes here, and none where one of
them was lost or took longer than 3 s. Ten calls a second for twelve seconds, the fault after three; each contestant
has its own calls while the same platform fails for all of them, and everything is restored before the next fault. On
the healthy platform that rings after 3 s, calls that were taken away from it count as lost.
"""

WORSE: Final = """\
## Where a rival is better

**Kamailio is far lighter.** It passes SIP on and is in no call's media. In return it can play no announcement, ask
nobody to press 1, rescue no caller in mid-call and ring no team; the Asterisk that would do so is not in its figures.

**A bare Asterisk begins more calls a second** when calls do nothing but begin and end, hundreds in a second. Ringfence
reads the number, looks up its record and the platform's mode, and tells what became of the call: some ten lines of
dialplan more. Asterisk writes out each of their steps and variables, and its own for every call, for the two
connections that the daemon holds. The row *daemon stopped* shows what of it is the dialplan's and what is theirs; the
same is most of what a healthy call takes longer. It is why the bound is on calls that are put through in time at a rate
that is high for a telephone system: the busiest hour of two thousand people brings less than one call a second, the
largest published survivable gateway takes four, and calls that carry voice cost Asterisk far more than their beginning
does. All Asterisks here have `taskprocessor_overload_trigger=pjsip_only`: without it PJSIP ignores new calls while
those events are worked off.

**A diverted call goes out a little sooner with a rival**, which has one number to dial. Ringfence walks the person's
plan, counts the call against its limits, looks whether it has come back to us, and chooses who it says it is: some
ninety lines of dialplan.

**Hand-tuned Asterisk and Kamailio divert the first callers sooner** where the platform says nothing: after 1.5 s, where
Ringfence waits for the verdict, or for 8 s. The price is the last row of the table: a healthy platform that is slow
loses its calls to the hand-tuned Asterisk, and one that says *100 Trying* and no more costs every caller that wait, or
Kamailio's 30 s, for as long as it lasts.
"""

CONFIGURATION: Final = """\
One configuration holds for the whole run. The addresses are examples, those of a run are its own. The AGI script and
the Stasis application are `agi_route.py` and `stasis_app.py` in `tests/lab/bench`.
"""
