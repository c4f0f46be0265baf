"""The work of many hours in few: what grows in the daemon, in Asterisk's database and in ours, and whether every call
was put through meanwhile."""
