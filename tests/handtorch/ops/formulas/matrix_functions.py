"""Independent formulas for ops/matrix_functions.py."""

import scipy.linalg

FORMULAS = {
    "MatrixExp": lambda op, a: scipy.linalg.expm(a),
}
