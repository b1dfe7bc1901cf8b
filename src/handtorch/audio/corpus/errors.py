"""What can go wrong between a text and its labelled recording."""

from __future__ import annotations

from handtorch.errors import HandtorchError, MissingFileError


class MissingDataError(MissingFileError):
    """A program or a set of recordings that is not installed on this computer."""

    @classmethod
    def for_debian_packages(cls, what: str, *packages: str) -> MissingDataError:
        """The error that says which Debian packages bring ``what``."""
        return cls(f"this needs {what}, which is not installed; try: apt-get install {' '.join(packages)}")


class SynthesisError(HandtorchError, RuntimeError):
    """A speech engine that refused its work, died of it, or said something that cannot be labelled."""
