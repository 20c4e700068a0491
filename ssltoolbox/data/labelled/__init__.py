"""Published data of downstream tasks as it lies on disk: labelled images, each a clip of one frame.

One folder for each data set: `listing.py` finds what there is, without torch; `dataset.py` reads it.
"""
