"""What holds for every test."""

import os

# Tests run side by side, one process a core: a BLAS pool in each would only make them wait for each other.
# It has to be said before NumPy loads; tests of the thread policy ask for more themselves.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
