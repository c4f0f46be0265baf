"""In-memory implementations of the ports, for tests without Asterisk and without a database."""
