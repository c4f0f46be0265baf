"""Fuzzers of every parser: inputs made by mutation, guided by the lines they reach. `make fuzz`.

No fuzzing engine from outside: the parsers are plain Python, so the lines an input reaches can be told by the
interpreter itself, and the same seed gives the same inputs on every machine, in the tests, too.
"""
