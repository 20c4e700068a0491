"""Images and landmarks on disk: headers, decoding, names of frames, trees of folders."""
