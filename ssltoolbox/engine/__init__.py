"""Runs a plan: builds its objects, trains by Lightning's Trainer, evaluates, and keeps the run folder."""
