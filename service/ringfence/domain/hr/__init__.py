"""Joiners, movers and leavers, pure. `docs/explanation/joiners-movers-leavers.md` states the rules.

    record, field_mapping -> guard (acceptance, category, index, keys) -> roster -> derivation -> the directory in force
                               items, decision: what is held, and a person's word about it

What a source says is a `record`; `guard` decides what of it the `roster` accepts; `derivation` makes of the roster, the
imported directory and the time what calls are routed by.
"""
