"""Published sets of labelled faces, as they lie on disk when downloaded.

One module for each: where its lists are, and what a line says. The base does everything else.
"""
