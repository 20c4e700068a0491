"""Procedural face clips: drawings with exact landmarks, identity, expression, valence and arousal.

Everything runs and is tested on them without a download. They are **drawings**: what is measured on them says
whether the toolbox works and how strategies compare on a task whose truth is known; it is no claim about real
faces.

How a frame comes about, one file a step:

    options.py     what a recipe may set                      (free of torch, as is all but the last two)
    identity.py    who: shape of head and features, colours, resting face
    expression.py  what the face does over time: action units, class, valence, arousal
    scene.py       where: backdrop, light, pose, the camera's jitter
    clip.py        the three together, as one record for each frame
    pose.py        how the camera sees a head
    geometry.py    records → shapes and the 68 landmarks, in pixels
    raster.py      soft-edged painting in batch
    render.py      shapes → pixels
    kept.py        what was drawn, in memory: each training frame is drawn once
    dataset.py     `SyntheticFaces`, the dataset

**Exactness.** A frame is a pure function of (world, identity, take, frame), to the byte. Everything after the
random draws uses only operations that IEEE 754 rounds exactly (+ − × ÷ √, minimum, maximum, rounding), one at
a time: vectorised and scalar code then agree, and neither the rest of the batch nor the number of threads can
show. Hence angles are given by their sines, transitions are polynomials, and there is no `matmul`, `lerp` or
`exp` here.
"""
