"""Independent formulas for ops/convolution.py: SciPy on every pair of channels, forwards and transposed."""

import numpy as np
from scipy.ndimage import correlate
from scipy.signal import convolve


def dilated(op, w):
    """Kernels with zeros between their taps."""
    wide = np.zeros((*w.shape[:2], *(d * (k - 1) + 1 for d, k in zip(op.dilation, w.shape[2:], strict=True))))
    wide[(..., *(slice(None, None, d) for d in op.dilation))] = w
    return wide


def by_scipy(op, x, w):
    """Each pair of channels correlated in full by SciPy on padded inputs, then every stride-th place kept."""
    ahead = [d * (k - 1) for d, k in zip(op.dilation, w.shape[2:], strict=True)]
    reach = [(m - 1) * s + a + 1 for m, s, a in zip(op.y_size, op.stride, ahead, strict=True)]
    wide = np.pad(x, [(0, 0), (0, 0), *((p, r) for p, r in zip(op.padding, reach, strict=True))])
    kernels = dilated(op, w)
    inputs, outputs = x.shape[1] // op.groups, len(w) // op.groups
    y = np.zeros((len(x), len(w), *op.y_size))
    for n, o, c in np.ndindex(len(x), len(w), inputs):
        kernel = kernels[o, c]
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


def transpose(op, x, w, b=None):
    """Inputs spread out by the stride, convolved in full with each kernel by SciPy, and cut to size."""
    spread = np.zeros((*x.shape[:2], *((n - 1) * s + 1 for n, s in zip(x.shape[2:], op.stride, strict=True))))
    spread[(..., *(slice(None, None, s) for s in op.stride))] = x
    kernels = dilated(op, w)
    inputs, outputs = len(w) // op.groups, w.shape[1]
    y = np.zeros((len(x), op.groups * outputs, *op.size))
    for n, c, o in np.ndindex(len(x), len(w), outputs):
        full = convolve(spread[n, c], kernels[c, o], method="direct")
        cut = full[tuple(slice(p, p + m) for p, m in zip(op.padding, op.size, strict=True))]
        y[(n, c // inputs * outputs + o, *map(slice, cut.shape))] += cut
    return with_bias(y, b)


def weight(op, x, y):
    """The transposed matrix of the convolution as a map from weights."""
    op.y_size = y.shape[2:]
    shape = (y.shape[1], x.shape[1] // op.groups, *op.size)
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.array([np.vdot(by_scipy(op, x, unit), y) for unit in units]).reshape(shape)


FORMULAS = {"Convolution": forward, "ConvolutionTranspose": transpose, "ConvolutionWeight": weight}
