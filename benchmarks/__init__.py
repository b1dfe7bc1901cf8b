"""Every speed claim, each against the peer it names, side by side in one run.

``python -m benchmarks`` (or ``make bench``) runs them all; ``workloads/`` holds one file a claim.
"""
