"""Datasets of labelled images for downstream tasks: published data in its original form, and data of your own.

One folder for each data set: `listing.py` lists the images, without torch; `dataset.py` reads them.
"""
