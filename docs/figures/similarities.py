"""Draws what strategies and losses do with the similarities of a row: an SVG each, its description as title."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ssltoolbox.report.plots import AXIS, COLOURS, INK, STYLE

FOLDER = Path(__file__).parent / "components"
PULLED, PUSHED, MASKED, UNUSED = COLOURS[2], COLOURS[4], "#f0963f", "#b9c0c8"
WORDS = {PULLED: "pulled together", PUSHED: "pushed apart", MASKED: "masked", UNUSED: "no negative"}
WIDTH = 5.4
"""Inches."""
POSITIVE = 0.72
CANDIDATES = np.array([0.84, 0.76, 0.61, 0.53, 0.44, 0.37, 0.3, 0.22, 0.15, 0.07, -0.01, -0.1, -0.2])
"""Cosine similarities of a row to its positive, and to the other candidates, the most similar one first."""
LEGEND: dict[str, Any] = {
    "frameon": False,
    "loc": "lower center",
    "bbox_to_anchor": (0.5, 1.0),
    "ncols": 4,
    "fontsize": 8,
}
DRAWN: dict[str, tuple[Callable[[Figure], None], float]] = {}
"""Name of the file → what draws it, and its height in inches."""


def figure(name: str, height: float) -> Callable[[Callable[[Figure], None]], None]:
    """Registers a function that draws a figure; its docstring describes it to readers who can't see it."""

    def register(draw: Callable[[Figure], None]) -> None:
        DRAWN[name] = draw, height

    return register


def draw_all() -> None:
    """Writes all figures."""
    for name, (draw, height) in DRAWN.items():
        with matplotlib.rc_context(STYLE):
            made = Figure(figsize=(WIDTH, height), layout="constrained")
            draw(made)
            about = {"Date": None, "Title": " ".join(str(draw.__doc__).split())}
            made.savefig(FOLDER / f"{name}.svg", metadata=about)


def row(axes: Axes, colours: Sequence[str], candidates: np.ndarray = CANDIDATES) -> None:
    """The similarities of a row as bars: those of its positive, and of its candidates in these colours."""
    axes.bar(range(len(candidates) + 1), [POSITIVE, *candidates], color=[PULLED, *colours], width=0.75)
    axes.axhline(0, color=AXIS, linewidth=0.8)
    axes.set_xticks([0, (len(candidates) + 1) / 2], ["positive", "candidates, the most similar one first"])
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel("similarity")
    axes.set_ylim(-0.3, 1)
    used = [colour for colour in WORDS if colour in {PULLED, *colours}]
    axes.legend(handles=[Patch(color=c, label=WORDS[c]) for c in used], **LEGEND)


def threshold(axes: Axes, height: float, words: str) -> None:
    """A dashed line across the bars."""
    axes.axhline(height, color=INK, linewidth=1, linestyle="--")
    axes.annotate(words, (13.5, height), (0, 3), textcoords="offset points", ha="right", fontsize=8)


def pushed_but(count: int, colour: str) -> list[str]:
    """Colours of the candidates, the first ones of which are no usual negatives."""
    return [colour] * count + [PUSHED] * (len(CANDIDATES) - count)


@figure("methods-simclr", 2.3)
def simclr(made: Figure) -> None:
    """Similarities of a row as bars: its positive is pulled closer, all other candidates are pushed apart."""
    row(made.subplots(), pushed_but(0, PUSHED))


@figure("methods-supcon", 2.3)
def supcon(made: Figure) -> None:
    """Similarities of a row as bars: the positive and the candidates of the same class are pulled closer, the
    others are pushed apart."""
    same_class = {0, 2, 6}
    row(made.subplots(), [PULLED if number in same_class else PUSHED for number in range(len(CANDIDATES))])


@figure("negative_maskers-fnc", 2.3)
def fnc(made: Figure) -> None:
    """Similarities of a row as bars: two candidates are above the threshold 0.7. With top_k 1, the more similar
    one of them is masked; all others are pushed apart."""
    axes = made.subplots()
    row(axes, pushed_but(1, MASKED))
    threshold(axes, 0.7, "threshold 0.7, top_k 1")


@figure("auxiliary_losses-fnc_attraction", 2.3)
def fnc_attraction(made: Figure) -> None:
    """Similarities of a row as bars: two candidates are above the threshold 0.7. With top_k 1, the more similar
    one of them is pulled closer, like the positive; all others are pushed apart."""
    axes = made.subplots()
    row(axes, pushed_but(1, PULLED))
    threshold(axes, 0.7, "threshold 0.7, top_k 1")


@figure("negative_maskers-ring", 2.3)
def ring(made: Figure) -> None:
    """Similarities of a row as bars: the two most similar candidates are masked, the next four are pushed
    apart, and the others are no negatives."""
    axes = made.subplots()
    row(axes, [MASKED] * 2 + [PUSHED] * 4 + [UNUSED] * 7)
    for edge, words in ((2.5, "inner"), (6.5, "outer")):
        axes.axvline(edge, color=INK, linewidth=1, linestyle="--")
        axes.annotate(words, (edge, 0.97), (4, 0), textcoords="offset points", va="top", fontsize=8)


@figure("negative_maskers-global_threshold", 2.5)
def global_threshold(made: Figure) -> None:
    """Two anchors with thresholds of their own: of the first one no candidate of the batch is above it, of the
    second one three are, and they are masked."""
    left, right = made.subplots(1, 2, sharey=True)
    for axes, candidates, height, masked in ((left, CANDIDATES - 0.16, 0.8, 0), (right, CANDIDATES, 0.57, 3)):
        row(axes, pushed_but(masked, MASKED), candidates)
        axes.get_legend().remove()
        axes.set_xticks([0, 7], ["positive", "candidates"])
        threshold(axes, height, "its λ")
    right.set_ylabel("")
    left.set_title("an anchor", fontsize=9)
    right.set_title("another anchor", fontsize=9)
    made.legend(
        handles=[Patch(color=colour, label=WORDS[colour]) for colour in (PULLED, PUSHED, MASKED)],
        frameon=False,
        loc="outside upper center",
        ncols=3,
        fontsize=8,
    )


@figure("negative_maskers-reweight", 2.6)
def reweight(made: Figure) -> None:
    """Weights of a row's negatives for beta 0, 1 and 2: with 0 all are 1; the larger beta, the more the
    similar ones count and the less the others."""
    temperature = 0.5
    axes = made.subplots()
    for beta, colour in ((0, UNUSED), (1, COLOURS[1]), (2, PUSHED)):
        scores = np.exp(beta * CANDIDATES / temperature)
        axes.plot(
            CANDIDATES,
            scores / scores.mean(),
            "o-",
            color=colour,
            markersize=4,
            linewidth=1.3,
            label=f"β = {beta}",
        )
    axes.set_xlabel("similarity of a negative to the row")
    axes.set_ylabel("weight in the loss")
    axes.set_ylim(0)
    axes.legend(**LEGEND)


@figure("losses-rince", 2.6)
def rince(made: Figure) -> None:
    """Pull on the positive over its similarity to the row: for InfoNCE it is strongest where they are least
    similar; for q 1 it is weakest there; q 0.5 is in between."""
    temperature, weight = 0.3, 0.025
    similarity = np.linspace(-0.6, 1, 200)
    positive, others = np.exp(similarity / temperature), np.exp(CANDIDATES / temperature).sum()
    axes = made.subplots()
    pulls = {"InfoNCE": (1 - positive / (positive + others), UNUSED)}
    for q, colour in ((0.5, COLOURS[1]), (1, PULLED)):
        pull = positive**q - weight**q * (positive + others) ** (q - 1) * positive
        pulls[f"RINCE, q = {q:g}"] = pull, colour
    for name, (pull, colour) in pulls.items():
        axes.plot(similarity, pull / pull.max(), color=colour, linewidth=1.6, label=name)
    axes.set_xlabel("similarity of the positive: a wrong one is at the left")
    axes.set_ylabel("pull, most = 1")
    axes.set_ylim(0, 1.08)
    axes.legend(**LEGEND)


@figure("losses-soft_contrast", 2.6)
def soft_contrast(made: Figure) -> None:
    """The target of a row over the positive and the candidates: InfoNCE gives the positive 1; the loss
    soft_contrast gives it one half, and shares the other half among candidates by their similarity to the
    positive."""
    share, temperature = 0.5, 0.12
    scores = np.exp(CANDIDATES / temperature)
    axes = made.subplots()
    places = np.arange(len(CANDIDATES) + 1)
    axes.bar(
        0, 1, color="none", edgecolor=INK, linestyle="--", width=0.75, label="InfoNCE: all to the positive"
    )
    axes.bar(
        places,
        [share, *(1 - share) * scores / scores.sum()],
        color=PULLED,
        width=0.75,
        label="soft_contrast, share 0.5",
    )
    axes.set_xticks([0, 7], ["positive", "candidates, the most similar to the positive first"])
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel("target")
    axes.legend(**LEGEND)


@figure("auxiliary_losses-temporal_rank", 2.6)
def temporal_rank(made: Figure) -> None:
    """Squared distances of features to a row, over the distance in time of the frames: the third frame is
    nearer in feature than the second one, which is earlier; an arrow pushes it up, beyond the margin."""
    time = np.array([0.24, 0.48, 0.96, 1.44, 1.92])
    distance, margin = np.array([0.25, 0.62, 0.45, 0.86, 1.1]), 0.1
    axes = made.subplots()
    axes.plot(time, distance, color=UNUSED, linewidth=1.2, zorder=1)
    axes.scatter(time, distance, color=[PULLED, PULLED, PUSHED, PULLED, PULLED], s=36, zorder=2)
    axes.hlines(distance[1] + margin, time[1], time[2] + 0.15, color=INK, linewidth=1, linestyle="--")
    arrow = {"arrowstyle": "->", "color": PUSHED, "linewidth": 1.6}
    axes.annotate("", (time[2], distance[1] + margin), (time[2], distance[2] + 0.03), arrowprops=arrow)
    axes.annotate(
        "must be farther than the\nframe before, by the margin",
        (time[2] + 0.06, distance[2] - 0.02),
        va="top",
        fontsize=8,
    )
    axes.set_xlabel("distance in time from the row, in seconds")
    axes.set_ylabel("distance of features, d²")
    axes.set_ylim(0, 1.25)
    axes.set_xlim(0, 2.1)


@figure("negative_maskers-mochi", 2.2)
def mochi(made: Figure) -> None:
    """Embeddings on a circle: two negatives near the row; one synthetic negative lies between these two,
    another one between the row and one of them."""
    axes = made.subplots()

    def unit(degrees: float) -> np.ndarray:
        return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])

    def between(share: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        mixed = share * a + (1 - share) * b
        return mixed / np.linalg.norm(mixed)

    angle = np.radians(np.linspace(0, 180, 200))
    axes.plot(np.cos(angle), np.sin(angle), color=UNUSED, linewidth=1)
    row_, a, b = unit(90), unit(48), unit(12)
    mixed, with_row = between(0.5, a, b), between(0.4, row_, a)
    axes.plot(*zip(a, b, strict=True), color=UNUSED, linewidth=1, linestyle=":")
    axes.plot(*zip(row_, a, strict=True), color=UNUSED, linewidth=1, linestyle=":")
    points = (
        (row_, PULLED, "o", "q, the row"),
        (a, PUSHED, "o", "z_a"),
        (b, PUSHED, "o", "z_b"),
        (unit(150), UNUSED, "o", "an easy negative"),
        (mixed, PUSHED, "*", "h, between z_a and z_b"),
        (with_row, PUSHED, "*", "h′, between q and z_a"),
    )
    for (x, y), colour, marker, words in points:
        axes.plot(x, y, marker, color=colour, markersize=11 if marker == "*" else 8)
        side = "right" if x < -0.1 else "left"
        offset = (-9 if side == "right" else 9, 6 if y > 0.5 else -3)
        axes.annotate(words, (x, y), offset, textcoords="offset points", ha=side, fontsize=8)
    axes.set_aspect("equal")
    axes.set_xlim(-1.7, 2)
    axes.set_ylim(0, 1.2)
    axes.axis("off")


@figure("auxiliary_losses-identity_adversary", 1.5)
def identity_adversary(made: Figure) -> None:
    """A frame goes through the backbone to features, and from there to a classifier of people. The gradient
    comes back to the classifier as it is, and reaches the backbone with the opposite sign."""
    axes = made.subplots()
    box = {"boxstyle": "round,pad=0.5", "facecolor": "#eef3f8", "edgecolor": COLOURS[0]}
    boxes = {"backbone": 0.12, "features": 0.45, "classifier\nof people": 0.83}
    for words, x in boxes.items():
        axes.text(x, 0.55, words, ha="center", va="center", bbox=box)
    for start, end in ((0.2, 0.37), (0.53, 0.74)):
        axes.annotate("", (end, 0.7), (start, 0.7), arrowprops={"arrowstyle": "->", "color": INK})
    for start, end, colour, words in ((0.74, 0.53, PULLED, "gradient"), (0.37, 0.2, PUSHED, "−λ · gradient")):
        axes.annotate(
            "", (end, 0.4), (start, 0.4), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.8}
        )
        axes.text((start + end) / 2, 0.2, words, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.axis("off")
