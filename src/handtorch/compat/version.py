"""torch.version: the version of PyTorch whose API this is."""

__version__ = "2.13.0"
cuda = None
hip = None
git_version = "unknown"
debug = False
