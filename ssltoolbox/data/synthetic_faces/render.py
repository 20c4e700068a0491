"""Shapes → pixels: the order in which a face is painted, from the backdrop to the noise of the camera."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.data.synthetic_faces.geometry import HEAD_TOP, Brow, Eye, FaceShapes, Mouth
from ssltoolbox.data.synthetic_faces.pose import Array, Faces
from ssltoolbox.data.synthetic_faces.raster import Canvas, CanvasWindow, column, ellipse, faint, soft

DARKEST, BRIGHTEST = 0.35, 1.45
"""Limits of the light's factor, so that a strong light does not blacken the far side."""

_GRAINS = 256
_GRAIN = 0.015
_RING, _RING_LINE, _WIRE = 1.4, 0.03, 0.022  # of the glasses: half-width in eyes, middle, half thickness
_EYE, _GLASSES = (1.25, -1.05, 0.85), (1.5, -1.05, 1.65)  # half-width, top and bottom, in eyes
_TEETH = torch.tensor([0.94, 0.92, 0.87]).view(1, 3, 1, 1)
_WHITE = torch.tensor([0.95, 0.94, 0.93]).view(1, 3, 1, 1)
_CAVITY = torch.tensor([0.20, 0.05, 0.06]).view(1, 3, 1, 1)
_TONGUE = torch.tensor([0.62, 0.25, 0.26]).view(1, 3, 1, 1)


@torch.inference_mode()
def render(faces: Faces, size: int) -> tuple[Tensor, Tensor]:
    """[B] records of `FACE` → [B, 3, size, size] uint8 RGB and [B, 68, 2] float32 pixels."""
    shapes = FaceShapes(faces, size)
    painter = _Painter(faces, shapes)
    return painter.paint(), torch.from_numpy(shapes.landmarks)


class _Painter:
    def __init__(self, faces: Faces, shapes: FaceShapes) -> None:
        self.faces, self.shapes = faces, shapes
        self.person = faces["person"]
        self.zoom = column(shapes.pose.zoom)
        self.skin = column(self.person["skin"])
        self.shade = self.skin * 0.62
        self.hair = column(self.person["hair"])
        self.canvas = Canvas(len(faces), shapes.size, shapes.origin)

    def paint(self) -> Tensor:
        whole = self.canvas.whole()
        self._backdrop(whole)
        self._head_and_hair(whole)
        for eye, brow in zip(self.shapes.eyes, self.shapes.brows, strict=True):
            self._eye_region(eye, brow)
        self._middle()
        self._light(whole)
        return self._expose()

    def _reach(self, length: Array | float) -> Array:
        """[B] pixels: how far painting goes beyond points, the soft edge included."""
        return self.shapes.pose.zoom * length + 2

    def _backdrop(self, whole: CanvasWindow) -> None:
        size = self.shapes.size
        a, b, c = (column(value) for value in self.faces["scene"]["border"].T)
        grid = (torch.arange(size) * 2 + 1) / size - 1
        mix = (a * grid + (b * grid[:, None] + c + 0.5)).clamp_(0, 1)
        first, second = (column(self.faces["scene"]["backdrop"][:, i]) for i in (0, 1))
        torch.mul((second - first), mix[:, None], out=whole.pixels)
        whole.pixels += first

    def _head_and_hair(self, whole: CanvasWindow) -> None:
        head = self.shapes.head
        u, v = whole.local(head.plane)
        hair = self._hair_behind(whole, u, v)
        self._shoulders(whole)
        below = v.clamp(min=0).div_(column(head.chin))
        square = below * below
        half = 1 - square * column(head.taper)
        across = (u - square.mul_(column(head.lean))).div_(half.mul_(column(head.width)))
        above = v.clamp(max=0).mul_(1 / HEAD_TOP)
        inside = across.mul_(across).add_(above.mul_(above)).add_(below * below * below)
        mask = soft((1 - inside.sqrt()).mul_(column(head.width) * self.zoom))
        self._ears(whole)
        tone = (inside * 0.22).mul_(inside).neg_().add_(1).clamp_(min=0.5)
        whole.paint(self.skin * tone[:, None], mask)
        self._beard(whole, mask)
        self._fringe(whole, hair)

    def _hair_behind(self, whole: CanvasWindow, u: Tensor, v: Tensor) -> Tensor:
        """Paints the hair; gives its mask."""
        person = self.person
        volume = column(person["hair_volume"])
        width = column(person["head_width"]) + volume
        v = v + 0.12
        up = v.clamp(max=0).div_(HEAD_TOP - 0.12 + volume)
        down = v.clamp(min=0).div_(column(person["hair_length"]))
        down.mul_(down)
        u = u / width
        radius = u.mul_(u).add_(up.mul_(up)).add_(down.mul_(down)).sqrt_()
        mask = soft((1 - radius).mul_(width * self.zoom))
        whole.paint(self.hair, mask)
        return mask

    def _shoulders(self, whole: CanvasWindow) -> None:
        plane = self.shapes.pose.facing(depth=-0.2)
        half, start = self.person["head_width"] * 0.62, self.person["chin"] - 0.35
        # The collar lies below where the neck begins, wherever the head leans.
        low = whole.below(plane.box(half, start, start), self._reach(0))
        u, v = low.local(plane)
        chin = column(self.person["chin"])
        neck = soft((column(self.person["head_width"]) * 0.62 - u.abs()).mul_(self.zoom))
        neck.mul_(soft((v - chin + 0.35).mul_(self.zoom)))
        low.paint(self.skin * 0.7, neck)
        collar = v - chin - 0.13 + (u * u).mul_(-0.25)
        low.paint(column(self.faces["scene"]["clothing"]), soft(collar.mul_(self.zoom)))

    def _ears(self, whole: CanvasWindow) -> None:
        plane = self.shapes.pose.facing(y=0.02, depth=-0.1)
        away = (self.person["head_width"] + 0.01) * self.shapes.pose.cos_yaw
        high = np.full_like(away, 0.14)
        window = whole.rows(plane.box(away + 0.08, -high, high), self._reach(0))
        u, v = window.local(plane)
        ear = ellipse(u.abs_().sub_(column(away)), v, _number(0.08), _number(0.14), self.zoom)
        window.paint(self.skin * 0.82, ear)

    def _beard(self, whole: CanvasWindow, head: Tensor) -> None:
        if not self.person["beard"].any():
            return
        bearded = column(self.person["beard"])
        u, v = whole.local(self.shapes.mouth.plane)
        edge = (v + 0.13).add_((u * u).mul_(-1.2))
        mask = soft(edge.mul_(self.zoom)).mul_(head).mul_(bearded * 0.8)
        whole.paint(self.hair, mask)

    def _fringe(self, whole: CanvasWindow, hair: Tensor) -> None:
        """Paints the fringe, within the mask of the hair."""
        u, v = whole.local(self.shapes.pose.on_face(0, -0.45, lift=-0.15))
        line = column(self.person["hairline"]) + 0.45
        edge = (line - v).add_(u * column(self.person["fringe_slant"])).add_((u * u).mul_(0.9))
        whole.paint(self.hair * 0.9, soft(edge.mul_(self.zoom)).mul_(hair))

    def _eye_region(self, eye: Eye, brow: Brow) -> None:
        half, top, bottom = _GLASSES if self.person["glasses"].any() else _EYE
        around, line = eye.plane.box(eye.width * half, eye.width * top, eye.width * bottom), brow.contour()
        reach = self._reach(0.06)

        def paint(window: CanvasWindow) -> None:
            orbit = window.rows(around, self._reach(0.02))
            self._eye(orbit, eye)
            self._brow(window.rows(line, reach), brow)
            self._glasses(orbit, eye)

        self.canvas.around(np.concatenate([around, line], axis=1), reach, paint)

    def _eye(self, window: CanvasWindow, eye: Eye) -> None:
        u, v = window.local(eye.plane)
        width, upper, lower = column(eye.width), column(eye.upper), column(eye.lower)
        t = u / width
        arch = 1 - t * t
        window.paint(self.skin * 0.8, ellipse(u, v, width * 1.25, width * 0.85, self.zoom).mul_(0.5))
        top, bottom = (v + arch * upper).mul_(self.zoom), (arch * lower - v).mul_(self.zoom)
        within = (1 - t.abs()).mul_(width * self.zoom)
        opening = soft(torch.minimum(torch.minimum(top, bottom), within))
        window.paint(_WHITE, opening)
        x, y = u - column(eye.iris[:, 0]), v - column(eye.iris[:, 1])
        radius = column(eye.radius)
        window.paint(column(self.person["iris"]), ellipse(x, y, radius, radius, self.zoom).mul_(opening))
        window.paint(_number(0.04), ellipse(x, y, radius * 0.5, radius * 0.5, self.zoom).mul_(opening))
        lid = (v + arch.mul_(upper)).abs_().neg_().add_(0.016).mul_(self.zoom)
        lid = torch.minimum(lid, (1.08 - t.abs_()).mul_(width * self.zoom))
        window.paint(self.shade * 0.35, soft(lid))

    def _brow(self, window: CanvasWindow, brow: Brow) -> None:
        u, v = window.local(brow.plane)
        t = (u * brow.side).div_(column(brow.length))
        b0, b1, b2 = (column(value) for value in brow.bend)
        away = (v - b0).sub_(t * b1).sub_((t * t).mul_(b2)).abs_()
        thick = (0.95 - 0.35 * t).mul_(column(brow.thickness))
        inside = torch.minimum(thick.sub_(away), (1 - t.abs_()).mul_(column(brow.length)))
        window.paint(self.hair * 0.75, soft(inside.mul_(self.zoom)))

    def _glasses(self, window: CanvasWindow, eye: Eye) -> None:
        if not self.person["glasses"].any():
            return
        u, v = window.local(eye.plane)
        worn, colour = column(self.person["glasses"]), column(self.person["frame"])
        x, y = u / (column(eye.width) * _RING), (v - _RING_LINE) / (column(eye.width) * 1.2)
        ring = x.mul_(x).add_(y.mul_(y)).sqrt_().sub_(1).abs_().mul_(column(eye.width) * 1.3)
        window.paint(colour, soft((_WIRE - ring).mul_(self.zoom)).mul_(worn))

    def _glasses_bridge(self) -> Array:
        """[B, 2, 2]: where the rings of the glasses come closest to each other."""
        left, right = self.shapes.eyes
        inner, line = left.width[:, None] * _RING, np.full_like(left.width, _RING_LINE)[:, None]
        return np.concatenate([left.plane.project(inner, line), right.plane.project(-inner, line)], axis=1)

    def _join_glasses(self, window: CanvasWindow) -> None:
        if not self.person["glasses"].any():
            return
        ends = self._glasses_bridge()
        wire = soft(_WIRE * self.zoom - window.away_from(ends[:, 0], ends[:, 1]))
        window.paint(column(self.person["frame"]), wire.mul_(column(self.person["glasses"])))

    def _middle(self) -> None:
        """Nose, folds and mouth."""
        nose = self.shapes.nose
        frown = self.shapes.pose.direction(0, -0.27, 0.46)
        points = np.concatenate(
            [frown[:, None], nose.bridge, nose.base, self.shapes.mouth.contour(), self._glasses_bridge()],
            axis=1,
        )
        self.canvas.around(points, self._reach(0.12), self._nose_and_mouth)

    def _nose_and_mouth(self, window: CanvasWindow) -> None:
        self._frown(window)
        self._nose(window)
        self._folds(window)
        self._mouth(window, self.shapes.mouth)
        self._join_glasses(window)

    def _frown(self, window: CanvasWindow) -> None:
        """Wrinkles over the bridge of the nose."""
        high = np.full_like(self.person["chin"], 0.08)
        for unit, x, y, slant in (("wrinkle", 0.06, -0.02, 0.5), ("furrow", 0.035, -0.22, 0.0)):
            strength = column(np.clip(self.shapes.units[unit], 0, 1))
            plane = self.shapes.pose.on_face(0, y, lift=0.04)
            part = window.rows(plane.box(high + x, -high, high), self._reach(0))
            u, v = part.local(plane)
            across = u.abs_().sub_(x).sub_(v * slant).div_(0.035)
            along = v.div_(0.08)
            away = across.mul_(across).add_(along.mul_(along)).sqrt_()
            part.paint(self.shade * 0.9, faint(away).mul_(strength))

    def _nose(self, window: CanvasWindow) -> None:
        nose = self.shapes.nose
        width = column(nose.width)
        bridge = window.rows(nose.bridge, self._reach(nose.width))
        away = bridge.away_from(nose.bridge[:, 0], nose.bridge[:, 3])
        for shade, radius in ((0.72, 0.85), (1.12, 0.5)):
            bridge.paint(self.skin * shade, faint(away / (self.zoom * width * radius)))
        high = np.full_like(nose.width, 0.09)
        window = window.rows(nose.plane.box(nose.width, -high, high), self._reach(0))
        u, v = window.local(nose.plane)
        window.paint(self.skin * 0.80, ellipse(u, v, width, _number(0.07), self.zoom))
        window.paint(self.skin * 1.06, ellipse(u, v + 0.025, width * 0.65, _number(0.065), self.zoom))
        nostrils = ellipse(u.abs_().sub_(0.45 * width), v - 0.045, width * 0.28, _number(0.022), self.zoom)
        window.paint(self.shade * 0.5, nostrils)

    def _folds(self, window: CanvasWindow) -> None:
        """From the wings of the nose around the corners of the mouth."""
        shapes = self.shapes
        depth = shapes.units["smile"] * 0.5 + shapes.units["wrinkle"] * 0.5
        strength = column(np.minimum(np.maximum(depth + 0.1, 0), 0.9))
        corners = shapes.mouth.contour()
        for wing, corner in ((0, 0), (4, 6)):
            start, end = shapes.nose.base[:, wing], corners[:, corner]
            outward = (end - shapes.nose.base[:, 2]) * 0.12
            start, end = start + outward * 2, end + outward
            part = window.rows(np.stack([start, end], axis=1), self._reach(0.045))
            part.paint(self.shade, faint(part.away_from(start, end).div_(self.zoom * 0.045)).mul_(strength))

    def _mouth(self, window: CanvasWindow, mouth: Mouth) -> None:
        window = window.rows(mouth.contour(), self._reach(0.04))
        u, v = window.local(mouth.plane)
        r = u / column(mouth.width)
        square = r * r
        v = v + (square - 0.35).mul_(column(mouth.curl)) + (square + r).mul_(column(mouth.lopsided))
        arch = (1 - square).clamp_(min=0)
        opening = (1 - square * (1 / mouth.INNER**2)).clamp_(min=0).mul_(column(mouth.gap))
        above, below = opening * mouth.ABOVE, opening * (1 - mouth.ABOVE)
        lip = arch.sqrt()
        edge = torch.minimum(v + above + lip * column(mouth.upper), below - v + lip * column(mouth.lower))
        within = (1 - r.abs_()).mul_(column(mouth.width))
        window.paint(column(self.person["lips"]), soft(torch.minimum(edge, within).mul_(self.zoom)))
        inner = torch.minimum(v + above, below - v)
        crease = torch.minimum(inner + 0.012, within).mul_(self.zoom)
        window.paint(_CAVITY, soft(crease).mul_(0.9))
        hollow = soft(torch.minimum(inner, within).mul_(self.zoom).sub_(0.5))
        window.paint(_TONGUE, soft((v - below + 0.07).mul_(self.zoom)).mul_(hollow).mul_(0.8))
        window.paint(_TEETH, soft((column(mouth.teeth) - v - above).mul_(self.zoom)).mul_(hollow))

    def _light(self, whole: CanvasWindow) -> None:
        camera = self.faces["camera"]
        size = self.shapes.size
        grid = (torch.arange(size) * 2 + 1) / size - 1
        slope_x, slope_y = column(camera["slope"][:, 0]), column(camera["slope"][:, 1])
        light = (slope_x * grid + (slope_y * grid[:, None] + 1))[:, None] * column(camera["tint"])
        whole.pixels *= light.clamp_(DARKEST, BRIGHTEST)

    def _expose(self) -> Tensor:
        """Pixel noise, and 8 bits."""
        size = self.shapes.size
        picked = torch.from_numpy((self.faces["moment"]["grain"] * _GRAINS).astype(np.int64))
        pixels = self.canvas.pixels.add_(_grain(size).index_select(0, picked).view(-1, 3, size, size))
        # The conversion by way of int16 is faster.
        return pixels.mul_(255).add_(0.5).clamp_(0, 255).to(torch.int16).to(torch.uint8)


def _number(value: float) -> Tensor:
    return torch.full((1, 1, 1), value)


@lru_cache(maxsize=4)
def _grain(size: int) -> Tensor:
    """[256, 3 · size²]: patterns of noise, windows on one long strip."""
    step = 61
    strip = np.random.default_rng(size).standard_normal(step * _GRAINS + 3 * size * size, dtype=np.float32)
    return torch.from_numpy(strip * _GRAIN).unfold(0, 3 * size * size, step)
