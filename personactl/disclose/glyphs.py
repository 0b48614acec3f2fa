"""Letterforms of the visible label, drawn by this project: A to Z and the hyphen. `hanzi` has the Chinese ones.

No font file and no font of the system is involved, so that a label looks the same on every machine. A letter is a
function of its cap height and stroke width in pixels. Where both are whole numbers, stems and bars lie on pixel
borders (what type designers call grid-fitting), so that seven pixels are enough to read.

A letter's contours begin at the top left corner of its box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from personactl.disclose.contours import ARC_STEPS, Contour, Point, box, corner, solid, stroked


@dataclass(frozen=True, slots=True)
class Glyph:
    """A letter: its width, its contours, and the blank that belongs to its left and right side, all in pixels."""

    width: float
    contours: tuple[Contour, ...]
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Pen:
    """How large and how bold: cap height and stroke width in pixels."""

    cap: float
    stroke: float

    def width(self, ratio: float) -> float:
        """A letter's width, whole where the cap height is, and wide enough for two stems and a gap."""
        wanted = max(ratio * self.cap, 2 * self.stroke + 1) if ratio > 0.3 else ratio * self.cap
        return float(round(wanted)) if float(self.cap).is_integer() else wanted


Draw = Callable[[Pen], Glyph]


def _slanted(top: Point, bottom: Point, stroke: float) -> Contour:
    """A diagonal from height to height, cut horizontally; `top` and `bottom` are the middles of its ends."""
    (x0, y0), (x1, y1) = top, bottom
    half = stroke / 2 * math.hypot(1, (x1 - x0) / (y1 - y0))
    return solid([(x0 - half, y0), (x0 + half, y0), (x1 + half, y1), (x1 - half, y1)])


def _bow(pen: Pen, left: float, right: float, top: float, bottom: float) -> list[Point]:
    """The middle line of a bowl that opens to the left, as in D and P; the arguments are its outer edges."""
    half = pen.stroke / 2
    ry = (bottom - top) / 2 - half
    rx = min(right - left - half, ry * 1.05)
    x, y = right - half - rx, (top + bottom) / 2
    return [
        (left, top + half),
        *corner((x, y), (rx, ry), 270),
        *corner((x, y), (rx, ry), 0),
        (left, bottom - half),
    ]


def _oval(pen: Pen, width: float) -> list[Point]:
    """The middle line of O from the top, clockwise: two half arches with a straight piece between them."""
    half = pen.stroke / 2
    rx, ry = width / 2 - half, 0.40 * pen.cap - half
    middle, low = pen.cap - half - ry, half + ry
    return [
        *corner((width / 2, low), (rx, ry), 270),
        *corner((width / 2, middle), (rx, ry), 0),
        *corner((width / 2, middle), (rx, ry), 90),
        *corner((width / 2, low), (rx, ry), 180),
    ]


def _bar(pen: Pen, fraction: float) -> float:
    """The upper edge of a horizontal bar at this fraction of the free height, on a pixel border."""
    free = (pen.cap - pen.stroke) * fraction
    return float(round(free)) if float(pen.cap).is_integer() and float(pen.stroke).is_integer() else free


_STEM, _ROUND, _OPEN, _SLANT = 0.115, 0.08, 0.045, 0.015
"""Blank beside a straight stem, a bowl, an open side and a diagonal, as fractions of the cap height."""


def _glyph(pen: Pen, width: float, contours: Sequence[Contour], left: float, right: float) -> Glyph:
    return Glyph(width, tuple(contours), left * pen.cap, right * pen.cap)


# --- the letters, in the order of their shapes ---------------------------------------------------------------------


def _stems(pen: Pen, width: float) -> list[Contour]:
    return [box(0, 0, pen.stroke, pen.cap), box(width - pen.stroke, 0, width, pen.cap)]


def _draw_i(pen: Pen) -> Glyph:
    return _glyph(pen, pen.stroke, [box(0, 0, pen.stroke, pen.cap)], _STEM, _STEM)


def _draw_e(pen: Pen, *, foot: bool = True) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.56)
    middle = _bar(pen, 0.48)
    bars = [box(0, 0, width, stroke), box(0, middle, width - 0.07 * cap, middle + stroke)]
    if foot:
        bars.append(box(0, cap - stroke, width, cap))
    return _glyph(pen, width, [box(0, 0, stroke, cap), *bars], _STEM, _OPEN)


def _draw_l(pen: Pen) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.53)
    return _glyph(pen, width, [box(0, 0, stroke, cap), box(0, cap - stroke, width, cap)], _STEM, _SLANT)


def _draw_t(pen: Pen) -> Glyph:
    stroke, width = pen.stroke, pen.width(0.60)
    left = (width - stroke) / 2
    if float(stroke).is_integer():
        left = float(math.floor(left))
    return _glyph(pen, width, [box(0, 0, width, stroke), box(left, 0, left + stroke, pen.cap)], _OPEN, _OPEN)


def _draw_h(pen: Pen) -> Glyph:
    width, middle = pen.width(0.68), _bar(pen, 0.48)
    return _glyph(pen, width, [*_stems(pen, width), box(0, middle, width, middle + pen.stroke)], _STEM, _STEM)


def _draw_n(pen: Pen) -> Glyph:
    cap, width = pen.cap, pen.width(0.70)
    lean = pen.stroke * 1.18
    diagonal = solid([(0, 0), (lean, 0), (width, cap), (width - lean, cap)])
    return _glyph(pen, width, [*_stems(pen, width), diagonal], _STEM, _STEM)


def _draw_m(pen: Pen) -> Glyph:
    cap, width = pen.cap, pen.width(0.88)
    lean, foot = pen.stroke * 1.12, cap * 0.78
    half = lean / 2
    first = solid([(0, 0), (lean, 0), (width / 2 + half, foot), (width / 2 - half, foot)])
    second = solid([(width - lean, 0), (width, 0), (width / 2 + half, foot), (width / 2 - half, foot)])
    return _glyph(pen, width, [*_stems(pen, width), first, second], _STEM, _STEM)


def _draw_d(pen: Pen) -> Glyph:
    width = pen.width(0.69)
    bowl = stroked(_bow(pen, pen.stroke / 2, width, 0, pen.cap), pen.stroke)
    return _glyph(pen, width, [box(0, 0, pen.stroke, pen.cap), bowl], _STEM, _ROUND)


def _draw_p(pen: Pen, *, leg: bool = False) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.64)
    waist = _bar(pen, 0.54) + stroke
    contours = [box(0, 0, stroke, cap), stroked(_bow(pen, stroke / 2, width, 0, waist), stroke)]
    if leg:
        hip = waist - stroke / 2
        reach = stroke / 2 * math.hypot(1, width / 2 / (cap - hip))
        contours.append(_slanted((width * 0.50, hip), (width - reach, cap), stroke))
    return _glyph(pen, width, contours, _STEM, _OPEN)


def _draw_b(pen: Pen) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.66)
    waist = _bar(pen, 0.47)
    upper = stroked(_bow(pen, stroke / 2, width * 0.95, 0, waist + stroke), stroke)
    lower = stroked(_bow(pen, stroke / 2, width, waist, cap), stroke)
    return _glyph(pen, width, [box(0, 0, stroke, cap), upper, lower], _STEM, _ROUND)


def _draw_o(pen: Pen, *, tail: bool = False) -> Glyph:
    width = pen.width(0.74)
    path = _oval(pen, width)
    contours = [stroked([*path, path[0], path[1]], pen.stroke)]
    if tail:
        contours.append(_slanted((width * 0.62, pen.cap * 0.66), (width * 0.97, pen.cap * 1.04), pen.stroke))
    return _glyph(pen, width, contours, _ROUND, _ROUND)


def _draw_c(pen: Pen, *, spur: bool = False) -> Glyph:
    """C, and G with its bar: the oval from its right end over the top and the left side to the lower right."""
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.72 if spur else 0.69)
    half = stroke / 2
    oval = _oval(pen, width)
    quarter = ARC_STEPS + 1
    upper, lower = oval[:quarter], oval[quarter : 2 * quarter]
    rest = oval[2 * quarter :]
    bar = _bar(pen, 0.50)
    # The terminal stays clear of the bar, else a small G closes into a theta.
    end = min(0.29 * cap, bar - 0.75 * stroke) if spur else 0.32 * cap
    if float(cap).is_integer():
        end = max(float(math.floor(end)), half)
    arch = [point for point in reversed(upper) if point[1] < end]
    path = [_on_ellipse(width / 2, upper, end), *arch, *reversed(rest)]
    if spur:
        path += [*reversed(lower), (width - half, bar + half)]
        contours = [box(width * 0.52, bar, width, bar + stroke)]
    else:
        foot = [(x, cap - y) for x, y in reversed(path[: len(arch) + 1])]
        path, contours = [*path, *foot], []
    return _glyph(pen, width, [stroked(path, stroke), *contours], _ROUND, _ROUND if spur else _OPEN)


def _on_ellipse(middle: float, arch: Sequence[Point], y: float) -> Point:
    """The point at this height on the right half of an arch, given by its points from the top to the right end."""
    (_, top), (right, low) = arch[0], arch[-1]
    return middle + (right - middle) * math.sqrt(max(0.0, 1 - ((low - y) / (low - top)) ** 2)), y


def _draw_s(pen: Pen) -> Glyph:
    """Two bowls that share the waist: the upper opens to the right, the lower to the left."""
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.62)
    half, waist = stroke / 2, _bar(pen, 0.48) + stroke / 2
    rx = min(width / 2 - half, 0.34 * cap)
    up, down = (waist - half) / 2, (cap - half - waist) / 2
    left, right = half + rx, width - half - rx
    path = [
        (width - half, half + up + 0.02 * cap),
        *reversed(corner((right, half + up), (rx, up), 270)),
        *reversed(corner((left, half + up), (rx, up), 180)),
        *reversed(corner((left, half + up), (rx, up), 90)),
        *corner((right, waist + down), (rx, down), 270),
        *corner((right, waist + down), (rx, down), 0),
        *corner((left, waist + down), (rx, down), 90),
        (half, waist + down - 0.02 * cap),
    ]
    return _glyph(pen, width, [stroked(path, stroke)], _ROUND, _ROUND)


def _draw_u(pen: Pen) -> Glyph:
    cap, half, width = pen.cap, pen.stroke / 2, pen.width(0.68)
    rx, ry = width / 2 - half, 0.40 * cap - half
    y = cap - half - ry
    arch = [*corner((width / 2, y), (rx, ry), 0), *corner((width / 2, y), (rx, ry), 90)]
    return _glyph(pen, width, [stroked([(width - half, 0), *arch, (half, 0)], pen.stroke)], _STEM, _STEM)


def _draw_j(pen: Pen) -> Glyph:
    cap, half, width = pen.cap, pen.stroke / 2, pen.width(0.50)
    rx, ry = width / 2 - half, 0.36 * cap - half
    y = cap - half - ry
    arch = [*corner((width / 2, y), (rx, ry), 0), *corner((width / 2, y), (rx, ry), 90)]
    return _glyph(pen, width, [stroked([(width - half, 0), *arch], pen.stroke)], _SLANT, _STEM)


def _draw_a(pen: Pen) -> Glyph:
    """A triangle with a flat top; the bar lies low, so that the opening above it stays open at small sizes."""
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.78)
    middle, flat = width / 2, stroke * 0.60
    slope = (middle - flat) / cap
    lean = stroke * math.hypot(1, slope)
    outer = [(middle - flat, 0), (middle + flat, 0), (width, cap), (width - lean, cap)]
    inner_x = width - lean
    bar = _bar(pen, 0.72)
    apex = max(cap - (inner_x - middle) / slope, 0.0) if slope > 0 else 0.0

    def inside(y: float) -> float:
        return max(inner_x - (cap - y) * slope - middle, 0.0)

    legs = solid([
        *outer, (middle + inside(apex), apex), (middle - inside(apex), apex), (lean, cap), (0, cap),
    ])  # fmt: skip
    low = bar + stroke
    crossbar = solid([
        (middle - inside(bar) - lean / 2, bar), (middle + inside(bar) + lean / 2, bar),
        (middle + inside(low) + lean / 2, low), (middle - inside(low) - lean / 2, low),
    ])  # fmt: skip
    return _glyph(pen, width, [legs, crossbar], _SLANT, _SLANT)


def _draw_v(pen: Pen) -> Glyph:
    width = pen.width(0.74)
    return _glyph(pen, width, _vees(pen, 0, width), _SLANT, _SLANT)


def _vees(pen: Pen, left: float, right: float) -> list[Contour]:
    cap, middle, flat = pen.cap, (left + right) / 2, pen.stroke * 0.60
    lean = pen.stroke * math.hypot(1, ((right - left) / 2 - flat) / cap)
    return [
        solid([(left, 0), (left + lean, 0), (middle + flat, cap), (middle - flat, cap)]),
        solid([(right - lean, 0), (right, 0), (middle + flat, cap), (middle - flat, cap)]),
    ]


def _draw_w(pen: Pen) -> Glyph:
    width = pen.width(1.08)
    overlap = pen.stroke * 0.55
    contours = [*_vees(pen, 0, width / 2 + overlap), *_vees(pen, width / 2 - overlap, width)]
    return _glyph(pen, width, contours, _SLANT, _SLANT)


def _draw_x(pen: Pen) -> Glyph:
    cap, width = pen.cap, pen.width(0.72)
    lean = pen.stroke * math.hypot(1, width / cap) * 0.94
    rising = solid([(width - lean, 0), (width, 0), (lean, cap), (0, cap)])
    falling = solid([(0, 0), (lean, 0), (width, cap), (width - lean, cap)])
    return _glyph(pen, width, [rising, falling], _SLANT, _SLANT)


def _draw_y(pen: Pen) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.72)
    fork, left = cap * 0.56, (width - stroke) / 2
    lean = stroke * math.hypot(1, width / 2 / fork) * 0.92
    arms = [
        solid([(0, 0), (lean, 0), (left + stroke, fork), (left, fork)]),
        solid([(width - lean, 0), (width, 0), (left + stroke, fork), (left, fork)]),
    ]
    return _glyph(pen, width, [*arms, box(left, fork - stroke * 0.1, left + stroke, cap)], _SLANT, _SLANT)


def _draw_k(pen: Pen) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.68)
    lean, right, knee = stroke * 1.30, width - 0.02 * cap, cap * 0.62
    arm = solid([
        (right - lean, 0), (right, 0), (stroke * 0.9, knee + lean * 0.3), (stroke * 0.9, knee - lean * 0.8)
    ])  # fmt: skip
    hip = width * 0.34
    leg = solid([(hip, cap * 0.48), (hip + lean * 0.8, cap * 0.36), (width, cap), (width - lean, cap)])
    return _glyph(pen, width, [box(0, 0, stroke, cap), arm, leg], _STEM, _SLANT)


def _draw_z(pen: Pen) -> Glyph:
    cap, stroke, width = pen.cap, pen.stroke, pen.width(0.62)
    lean = stroke * math.hypot(1, width / (cap - stroke)) * 1.02
    top, low = stroke * 0.9, cap - stroke * 0.9
    diagonal = solid([(width - lean, top), (width, top), (lean, low), (0, low)])
    return _glyph(pen, width, [box(0, 0, width, stroke), box(0, cap - stroke, width, cap), diagonal], _OPEN, _OPEN)


def _draw_hyphen(pen: Pen) -> Glyph:
    width, middle = pen.width(0.34), _bar(pen, 0.52)
    return _glyph(pen, width, [box(0, middle, width, middle + pen.stroke)], _OPEN, _OPEN)


LETTERS: dict[str, Draw] = {
    "A": _draw_a,
    "B": _draw_b,
    "C": _draw_c,
    "D": _draw_d,
    "E": _draw_e,
    "F": lambda pen: _draw_e(pen, foot=False),
    "G": lambda pen: _draw_c(pen, spur=True),
    "H": _draw_h,
    "I": _draw_i,
    "J": _draw_j,
    "K": _draw_k,
    "L": _draw_l,
    "M": _draw_m,
    "N": _draw_n,
    "O": _draw_o,
    "P": _draw_p,
    "Q": lambda pen: _draw_o(pen, tail=True),
    "R": lambda pen: _draw_p(pen, leg=True),
    "S": _draw_s,
    "T": _draw_t,
    "U": _draw_u,
    "V": _draw_v,
    "W": _draw_w,
    "X": _draw_x,
    "Y": _draw_y,
    "Z": _draw_z,
    "-": _draw_hyphen,
}
