"""The dataset `fer2013` (Goodfellow et al., Challenges in Representation Learning, 2013), in either form."""
