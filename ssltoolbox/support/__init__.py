"""Helpers that know nothing of learning: files, progress, worker processes, words. Free of torch."""
