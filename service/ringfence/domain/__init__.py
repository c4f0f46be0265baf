"""Ringfence's rules as values and functions: no clock, no I/O, no logging."""
