"""Runs a plan: makes its components, trains with Lightning's Trainer, evaluates, writes the run folder."""
