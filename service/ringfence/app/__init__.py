"""Use cases: the domain plus the standard library; everything else comes in through `ports`."""
