"""The strokes: smooth filled shapes, tapering lines, discs, gradients, soft shadows, clipping. Colours are 0..255."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import skia

Paintable = Sequence[float] | np.ndarray


def shade(colour: Paintable, factor: float, towards: Paintable = (0, 0, 0)) -> np.ndarray:
    """`colour` darkened (factor < 1) or lifted (factor > 1) by mixing with `towards` or with white."""
    base = np.asarray(colour, float)
    if factor <= 1:
        return base * factor + np.asarray(towards, float) * (1 - factor)
    return base + (255 - base) * (factor - 1)


def _argb(colour: Paintable, alpha: float) -> int:
    red, green, blue = (int(min(max(part, 0), 255)) for part in colour)
    return int(skia.ColorSetARGB(int(min(max(alpha, 0), 255)), red, green, blue))


@lru_cache(maxsize=256)
def _spline(count: int, steps: int, closed: bool) -> np.ndarray:
    """Matrix that turns `count` control points into a Catmull-Rom curve: uniform parametrisation, tension 1/2."""
    control = np.eye(count)
    if closed:
        before, start, end, after = (np.roll(control, shift, axis=0) for shift in (1, 0, -1, -2))
    else:
        padded = np.vstack([2 * control[0] - control[1], control, 2 * control[-1] - control[-2]])
        before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)
    weights = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1
    )
    rows = np.einsum("sk,knc->nsc", weights, np.stack([before, start, end, after])).reshape(-1, count)
    return rows if closed else np.vstack([rows, control[-1]])


def smooth(points: np.ndarray, *, closed: bool = True, steps: int = 6) -> np.ndarray:
    """The Catmull-Rom curve through the points (n, 2)."""
    return _spline(len(points), steps, closed) @ np.asarray(points, float)


def _path(points: np.ndarray, closed: bool) -> skia.Path:
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points.tolist()], closed)


class Canvas:
    """A square picture being painted; coordinates in pixels."""

    def __init__(self, size: int):
        self.size = size
        self._surface = skia.Surface(size, size)
        self._canvas = self._surface.getCanvas()

    def pixels(self) -> np.ndarray:
        """The picture so far, uint8 RGB (size, size, 3)."""
        return np.ascontiguousarray(self._surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3])

    def fill(
        self,
        points: np.ndarray,
        colour: Paintable,
        *,
        alpha: float = 255,
        blur: float = 0,
        curved: bool = True,
        gradient: tuple[np.ndarray, np.ndarray, Paintable] | None = None,
    ) -> np.ndarray:
        """Fill a closed shape; `gradient` = (from, to, second colour). Returns the outline that was filled."""
        outline = smooth(points) if curved else np.asarray(points, float)
        paint = self._paint(colour, alpha, blur)
        if gradient is not None:
            start, end, second = gradient
            ends = [skia.Point(float(x), float(y)) for x, y in (start, end)]
            paint.setShader(skia.GradientShader.MakeLinear(ends, [_argb(colour, alpha), _argb(second, alpha)]))
        self._canvas.drawPath(_path(outline, True), paint)
        return outline

    def stroke(
        self, points: np.ndarray, colour: Paintable, width: float, *, alpha: float = 255, blur: float = 0
    ) -> None:
        """A smooth round-ended line of constant width through the points."""
        paint = self._paint(colour, alpha, blur)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self._canvas.drawPath(_path(smooth(points, closed=False), False), paint)

    def disc(self, centre: Paintable, radius: float, colour: Paintable, *, alpha: float = 255, blur: float = 0) -> None:
        self._canvas.drawCircle(float(centre[0]), float(centre[1]), float(radius), self._paint(colour, alpha, blur))

    def ring(
        self, centre: Paintable, radii: tuple[float, float], colour: Paintable, width: float, *, corner: float
    ) -> None:
        """An outlined rounded box with half sides `radii`; `corner` 1 makes it an ellipse."""
        paint = self._paint(colour, 255, 0)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        across, down = radii
        box = skia.Rect.MakeXYWH(float(centre[0]) - across, float(centre[1]) - down, 2 * across, 2 * down)
        self._canvas.drawRoundRect(box, across * corner, down * corner, paint)

    def wash(self, top: Paintable, bottom: Paintable) -> None:
        """Cover the whole picture with a vertical gradient."""
        corners = np.array([[0, 0], [self.size, 0], [self.size, self.size], [0, self.size]], float)
        ends = (np.array([0.0, 0.0]), np.array([0.0, float(self.size)]), bottom)
        self.fill(corners, top, curved=False, gradient=ends)

    def band(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Paintable,
        *,
        alpha: float = 255,
        blur: float = 0,
    ) -> None:
        """A filled rectangle; sides in fractions of the picture."""
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * self.size
        self.fill(box, colour, alpha=alpha, blur=blur, curved=False)

    @contextmanager
    def inside(self, outline: np.ndarray) -> Iterator[None]:
        """Paint only inside a closed outline."""
        self._canvas.save()
        self._canvas.clipPath(_path(outline, True), skia.ClipOp.kIntersect, True)
        try:
            yield
        finally:
            self._canvas.restore()

    @staticmethod
    def _paint(colour: Paintable, alpha: float, blur: float) -> skia.Paint:
        paint = skia.Paint(AntiAlias=True)
        paint.setColor(_argb(colour, alpha))
        if blur > 0:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, float(blur)))
        return paint
