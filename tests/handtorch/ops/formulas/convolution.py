"""Independent formulas for ops/convolution.py: SciPy on every pair of channels, and transposed matrices of that."""

import numpy as np
from scipy.ndimage import correlate


def by_scipy(op, x, w):
    """Each pair of channels correlated in full by SciPy on padded inputs, then every stride-th place kept."""
    ahead = [d * (k - 1) for d, k in zip(op.dilation, w.shape[2:], strict=True)]
    reach = [(m - 1) * s + a + 1 for m, s, a in zip(op.y_size, op.stride, ahead, strict=True)]
    wide = np.pad(x, [(0, 0), (0, 0), *((p, r) for p, r in zip(op.padding, reach, strict=True))])
    dilated = np.zeros((*w.shape[:2], *(a + 1 for a in ahead)))
    dilated[(..., *(slice(None, None, d) for d in op.dilation))] = w
    inputs, outputs = x.shape[1] // op.groups, len(w) // op.groups
    y = np.zeros((len(x), len(w), *op.y_size))
    for n, o, c in np.ndindex(len(x), len(w), inputs):
        kernel = dilated[o, c]
        full = correlate(
            wide[n, o // outputs * inputs + c], kernel, mode="constant", origin=[-(k // 2) for k in kernel.shape]
        )
        y[n, o] += full[tuple(slice(0, m * s, s) for m, s in zip(op.y_size, op.stride, strict=True))]
    return y


def with_bias(y, b):
    return y if b is None else y + b.reshape(-1, *(1,) * (y.ndim - 2))


def forward(op, x, w, b=None):
    op.y_size = op.size
    return with_bias(by_scipy(op, x, w), b)


def transpose(op, y, w, b=None):
    """The transposed matrix of the convolution, whose columns are the convolutions of unit pictures."""
    op.y_size = y.shape[2:]
    shape = (op.groups * w.shape[1], *op.size)
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    matrix = by_scipy(op, units, w).reshape(len(units), -1)
    return with_bias((matrix @ y.reshape(len(y), -1).T).T.reshape(len(y), *shape), b)


def weight(op, x, y):
    """The transposed matrix of the convolution as a map from weights."""
    op.y_size = y.shape[2:]
    shape = (y.shape[1], x.shape[1] // op.groups, *op.size)
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.array([np.vdot(by_scipy(op, x, unit), y) for unit in units]).reshape(shape)


FORMULAS = {"Convolution": forward, "ConvolutionTranspose": transpose, "ConvolutionWeight": weight}
