"""The width of terminals."""

NARROW = 60
"""Columns of a terminal, in fewer of which a note gets a line of its own, and a table becomes a list."""
