"""Tests that use one or more real components."""
