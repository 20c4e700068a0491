"""A grid of runs, each an ordinary `ssltoolbox train` in a process of its own, and their joint results.

Free of torch: it plans, starts processes, and reads the files that runs leave behind.
"""
