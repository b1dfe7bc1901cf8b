"""Conformance: Handtorch held to PyTorch's own test database (`python -m tests.conformance --help`)."""
