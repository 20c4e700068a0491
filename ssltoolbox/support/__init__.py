"""General helpers: files, paths, progress, worker processes, words. Without torch."""
