"""The command line: one typer application, its commands in modules of their own."""

from ringfence.cli.main import main

__all__ = ["main"]
