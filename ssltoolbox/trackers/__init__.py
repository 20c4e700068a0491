"""Trackers of experiments that metrics can be sent to."""
