"""The index of frames: the content of a tree of frames, listed once and opened instantly.

An index is a folder, `vox1.index/`, of uncompressed Arrow files that are memory-mapped, and two text files:

- `clips.arrow`, a row for each clip: identity, video, clip, start (its first row in frames.arrow), frames.
- `frames.arrow`, a row for each frame: path (below the root), frame (its number), time (seconds within the
  clip), height, width, and labels where there are any.
- `landmarks.arrow`, a row for each frame: landmarks [68, 2] float32 in pixels of the stored frame, valid. What
  found them is in its metadata. It may be missing, and is written without touching the rest.
- `images.bin`, in a packed index only: the images end to end; frames.arrow has their offset and length.
- tar files, in an index of tar files: frames.arrow has the number of each image's tar file, offset and length.
- `skipped.csv`: path and reason of each file that could not be used; `landmarks_skipped.csv`: of each image that
  could not be read when a detector looked for faces.
- `index.json`: version, root, frames per second, how images are packed, sizes of tar files.

Frames are sorted by clip and time, so a clip is a range of rows. All files are written atomically, and the same
frames give the same bytes.
"""
