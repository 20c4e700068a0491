"""Draws of batches from clips: the order, the random numbers, the loading."""
