"""Procedural face clips: drawings with exact landmarks, identity, expression, valence and arousal.

They need no download. They are **drawings**: results on them show that the toolbox works, and how strategies
compare on a task with known truth. They are no claim about real faces.

One file for each step of making a frame:

    options.py     the options
    identity.py    a person: shape of head and features, colours, resting face
    expression.py  the face over time: action units, class, valence, arousal
    scene.py       backdrop, light, pose, jitter of the camera
    clip.py        person, expression and scene as one record for each frame
    pose.py        the camera's view of a head
    geometry.py    records → shapes and the 68 landmarks, in pixels
    raster.py      soft-edged painting in batch
    render.py      shapes → pixels
    kept.py        a cache: each training frame is drawn once
    dataset.py     `SyntheticFaces`, the dataset

**Exactness.** A frame is a pure function of (world, identity, take, frame), to the byte. After the random draws,
the code uses only operations that IEEE 754 rounds exactly (+ − × ÷ √, minimum, maximum, rounding). So vectorised
and scalar code agree, and the result does not depend on the batch or the number of threads. Therefore angles are
given by their sines, transitions are polynomials, and `matmul`, `lerp` and `exp` are not used.
"""
