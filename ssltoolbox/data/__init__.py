"""From clips to batches: datasets, draws, and the loader that turns draws into batches."""
