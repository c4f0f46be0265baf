"""Telling people: the outbox, who works through it, and what becomes a notice. `app.notifier` is the way in."""
