"""`make bench`: Ringfence beside what else people put in that place, all in one run on one machine.

Every contestant has the same carrier, the same platform and the same mobile network; the rivals have one fixed fallback
number, as they would. `configurations` is what is printed at the head of a run, and what runs.
"""
