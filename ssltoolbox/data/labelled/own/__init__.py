"""The dataset `labelled`: images and labels of your own, named in a table."""
