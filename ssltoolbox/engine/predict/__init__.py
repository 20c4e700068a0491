"""Predicts labels of faces over time with the heads that `evaluate` kept."""
