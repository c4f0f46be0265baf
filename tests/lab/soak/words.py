"""The words of the soak's page."""

from __future__ import annotations

HEAD = """\
# What grows over days

*For whoever wants to know whether a node may be left alone for months.*

Written by `python -m tests.lab.soak --write-docs`; `make soak HOURS=48` does the same and prints it, and ends with
status 1 when a bound is broken. The work of {hours} hours of one site of {dids:,} DIDs in {minutes} minutes, seed
{seed}: Asterisk, the daemon on SQLite, the carrier, the platform and two mobile networks are real processes that talk
over the loopback. It is one daemon from the first hour to the last.

**{calls:,} calls, {lost} lost, {silent} in silence.** Not in these: {out} who came, or were there, while Asterisk
itself was gone. The calls follow the time of day. Each hour HR sends its whole export of {employed} people, of whom
{leaving} are new and as many are gone; the helpdesk gives {orders} orders, most of which run out by the clock;
{viewers} browsers and {pollers} programs watch and are cut off. Every {every} hours the whole directory is imported.
Two backups are made a day. {told} notices were sent. {by_hand} failbacks were ordered by hand, for want of calls to
try the platform with.

Measured on {at}: {machine}.
"""

GROWTH_WORDS = """\
*Early* is the median around hour {warm}, *late* that of the last hours up to hour {last}, *an hour* the slope fitted in
between (the median of the slopes of all pairs of hours, which no single hour can turn). Each hour is measured at its
end, when no call is up and no page is open. *RSS* is all that is in memory, *private* what no other process has; *PSS*
shares the common pages among those who have them, and so goes up when another one ends. *Python blocks* are Python's
objects of up to 512 bytes, *heap in use* what everything else has of the C library, *sqlite* of it what SQLite has.
*Timers* are those of the event loop. Asterisk's own memory is shown above and not judged: it is killed and started in
the third and in the 25th hour, and keeps what its busiest moment took.
"""

KEPT_WORDS = """\
What happens is written down, so these grow by what happens, and are bounded by how long they are kept: call records,
callers' numbers, notices and incidents for one day here (`keep_calls_days = 1` and the like; 90 days and more as
shipped), HR's history for 400 days, the audit record for ever. Multiply *an hour* by the hours that you keep them.
*Database without journals* above is everything else.
"""

ROUNDS_WORDS = """\
Compressed is how soon things follow each other: there are as many calls, feeds, imports, orders and viewers as in the
hours themselves, and more outages than anybody has. The clock of Asterisk and of the daemon is set forward at each
hour's end, when no call is up, by what the hour was shorter: whatever goes by the time of day, or by an age in hours,
meets its hour. An hour is {hour_seconds} s here.

Not compressed: a call still rings and talks for seconds, a verdict takes its time, the platform is asked once a second
and not {compress} times. Of such rounds of less than half a minute there are {share} per cent of what there would be;
what one of them leaves behind is seen here only if it is large, and `--compress 1` is the run that shows the small.

The daemon's own long rounds are shortened in the same proportion as the hours, and nothing else of it is changed:
"""
