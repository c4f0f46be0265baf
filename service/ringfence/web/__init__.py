"""The HTTP API: one application, served on loopback with a token and on a local socket without."""
