"""Augmentation pipelines that run on the device, in batch."""
