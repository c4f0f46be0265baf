"""Shared fixtures. They live with the lab, because the lab is what they start."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.lab.fixtures", "tests.lab.private_watch"]

# How long an example takes says how busy the machine is: other tests run beside it.
settings.register_profile("shared machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
