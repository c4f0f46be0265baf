"""`make chaos`: the daemon killed at random moments of its work, and after each start everything compared.

A real daemon beside a real Asterisk is given orders all the time. What it answered is kept in a `Book`; after each kill
and start `look` reads the database, AstDB and the audit record by themselves, and `check` says what does not agree.
"""
