"""The parsers, by where their input comes from: for each what it is given, and what must hold of its answer."""
