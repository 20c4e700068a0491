"""Downstream tasks: metrics of a backbone on frozen features or after fine-tuning.

All choices (a regulariser, a number of neighbours, an epoch) are made on the val split. Code that fits and
predicts never gets the labels of the test split.
"""
