"""The real judge and the real loop on a fake clock, with seeded faults. Prints its seed when it fails."""
