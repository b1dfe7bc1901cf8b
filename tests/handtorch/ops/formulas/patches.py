"""Independent formulas for ops/patches.py: the map from pictures to windows as a matrix, place by place."""

import numpy as np


def windows(op, x):
    stride, padding, dilation, kernel, _ = op.settings
    wide = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    columns = [
        wide[:, :, i * stride[0] :: dilation[0], j * stride[1] :: dilation[1]][:, :, : kernel[0], : kernel[1]]
        for i, j in np.ndindex(op.windows)
    ]
    return np.stack([column.reshape(len(x), -1) for column in columns], axis=-1)


def added(op, x):
    shape = (x.shape[1] // int(np.prod(op.kernel)), *op.lengths)
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.einsum("uij,nij->nu", windows(op, units), x).reshape(len(x), *shape)


FORMULAS = {"Patches": windows, "PatchSum": added}
