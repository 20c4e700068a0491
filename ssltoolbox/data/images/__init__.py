"""Images and landmarks as they lie on disk: headers, decoding, names of frames, trees of folders."""
