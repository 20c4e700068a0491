"""The published steps of a face swap, one pair at a time, by OpenCV: what the batched ones are checked against."""

import cv2
import numpy as np

REGIONS = ([*range(17, 27), *range(36, 48)], [*range(27, 35), *range(48, 61)])
ALIGNED = [*range(17, 35), *range(36, 61)]


def swap(frame, points, head, head_points, blur=0.6):
    """[S, S, 3] uint8 and [68, 2] of both → [S, S, 3] uint8, and the region [S, S] bool."""
    transform = procrustes(points[ALIGNED].astype(np.float64), head_points[ALIGNED].astype(np.float64))
    warped = warp(frame, transform)
    region = np.maximum(hulls(head_points, len(head)), warp(hulls(points, len(frame)), transform))
    face = match_colours(warped, head, head_points, blur).clip(0, 255)
    pixels = head + region[..., None] * (face - head)
    return pixels.round().astype(np.uint8), region > 0


def procrustes(points, targets):
    """[2, 3]: centres and standard deviations are matched, the rotation is found by an SVD."""
    (start, start_centre), (end, end_centre) = ((p - p.mean(0), p.mean(0)) for p in (points, targets))
    u, _, vt = np.linalg.svd((start / start.std()).T @ (end / end.std()))
    linear = end.std() / start.std() * (u @ vt).T
    return np.column_stack([linear, end_centre - linear @ start_centre])


def warp(image, transform):
    return cv2.warpAffine(
        image, transform, image.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def hulls(points, size):
    mask = np.zeros((size, size), np.float32)
    for region in REGIONS:
        cv2.fillConvexPoly(mask, cv2.convexHull(points[region].round().astype(np.int32)), 1)
    return mask


def match_colours(face, head, head_points, blur):
    eyes = np.linalg.norm(head_points[36:42].mean(0) - head_points[42:48].mean(0))
    kernel = int(blur * eyes)
    kernel += kernel % 2 == 0
    own, wanted = (cv2.GaussianBlur(image, (kernel, kernel), 0).astype(np.float64) for image in (face, head))
    return face * wanted / (own + 128 * (own <= 1))
