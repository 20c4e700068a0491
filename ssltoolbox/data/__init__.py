"""Datasets, their files on disk, and draws of batches from them."""
