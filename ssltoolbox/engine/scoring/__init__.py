"""Downstream tasks on a trained network."""
