"""Putting Ringfence beside an Asterisk that is there already, and taking it out again without a trace.

`survey` looks, `include_plan` and `handing_over` say which lines go where, `edits` adds and takes out marked lines,
`manifest` remembers them, `removal` undoes everything. Nothing but marked blocks at the ends of files is ever written
into a file of the site's, and never into one that a program writes.
"""
