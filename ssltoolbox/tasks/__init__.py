"""Downstream tasks: what a backbone learned, in numbers, on frozen features or after fine-tuning.

Everything that is chosen (a regulariser, a number of neighbours, an epoch) is chosen on the val split. What fits
and predicts never receives the test split's labels, so that they can't leak by mistake.
"""
