"""The dataset `lfw` (Huang et al., Labeled Faces in the Wild, 2007), with its pairs."""
