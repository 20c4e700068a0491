"""From clips to batches: what a step draws, in which order, with which random numbers."""
