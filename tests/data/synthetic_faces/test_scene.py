"""The camera: fast, bounded, and the same for a clip that is longer."""

from __future__ import annotations

import numpy as np

from ssltoolbox.data.synthetic_faces.scene import CAMERA, draw_camera, fast_walk


def test_the_walk_forgets_within_two_frames() -> None:
    walk = fast_walk(np.random.default_rng(0), 50_000, 1)[:, 0]
    correlation = [np.corrcoef(walk[gap:], walk[: len(walk) - gap])[0, 1] for gap in (1, 2, 3)]
    np.testing.assert_allclose(correlation, [0.98 / 1.65, 0.4 / 1.65, 0], atol=0.02)
    assert abs(walk.var() - 1) < 0.03


def test_within_a_clip_head_and_light_jump_about() -> None:
    for name in ("yaw", "pitch", "roll", "shift", "slope"):
        gaps = []
        for seed in range(60):
            values = draw_camera(np.random.default_rng(seed), 96)[name].reshape(96, -1)[:, 0]
            gaps.append(np.corrcoef(values[2:], values[:-2])[0, 1])
        assert np.mean(gaps) < 0.3, name


def test_more_frames_only_go_on() -> None:
    short, long = (draw_camera(np.random.default_rng(4), frames) for frames in (17, 80))
    assert np.array_equal(short, long[:17])


def test_poses_stay_within_their_limits() -> None:
    camera = np.concatenate([draw_camera(np.random.default_rng(seed), 200) for seed in range(50)])
    assert camera.dtype == CAMERA
    limits = {"yaw": 0.481, "pitch": 0.301, "roll": 0.301}
    for name, limit in limits.items():
        assert np.abs(camera[name]).max() <= limit
    assert camera["scale"].min() >= 0.949
    assert camera["scale"].max() <= 1.251
    assert camera["tint"].min() > 0.4
