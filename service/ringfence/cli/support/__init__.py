"""`ringfence support-bundle`: what a supporter needs to know of a node, and nothing of who is called or who calls.

Each part says what it takes (an allow-list of fields); nothing is copied as it is. What is taken goes through
`domain/redaction.py`, and the finished parts are looked at once more before they are packed.
"""
