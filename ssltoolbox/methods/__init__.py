"""Methods of self-supervised learning, one file each, on lightly's losses, heads and momentum."""
