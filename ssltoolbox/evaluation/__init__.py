"""Downstream tasks on frozen features: what a backbone learned, in numbers.

Everything that is chosen (a regulariser, a number of neighbours) is chosen on the val split. What fits and
predicts never receives the test split's labels, so that they can't leak by mistake.
"""
