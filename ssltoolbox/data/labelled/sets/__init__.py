"""Published sets of labelled faces, in the layout in which they are downloaded.

Each module finds the lists of its sets and reads their lines; the base does the rest.
"""
