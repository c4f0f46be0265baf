"""What every Ringfence of the lab is configured with besides: nothing that decides where a call goes."""

from __future__ import annotations

UNLIMITED = """\
# The lab calls a few DIDs more in an hour than anybody does.
[egress.caps]
did_calls = 0
did_minutes = 0
team_calls = 0
person_calls = 0
person_minutes = 0
total_calls = 0

# The lab's mobiles answer and talk: few of them press keys.
[press_one]
enabled = false
"""
