"""Callbacks between the steps of a training run: checkpoints, progress, diagnostics, probes."""
