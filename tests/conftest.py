"""Shared fixtures. They live with the lab, because the lab is what they start."""

pytest_plugins = ["tests.lab.fixtures", "tests.lab.private_watch"]
