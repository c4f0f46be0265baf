"""How large a node may be: 100,000 DIDs on a real Asterisk with real calls, and how each figure grows up to there."""
