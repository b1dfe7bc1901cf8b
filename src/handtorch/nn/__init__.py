"""Layers, losses and containers: what networks are built of."""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "module": ["Module"],
        "parameter": ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter"],
        "containers": ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"],
        "linear": ["Identity", "Linear"],
        "activation": [
            "ELU",
            "GELU",
            "LeakyReLU",
            "LogSoftmax",
            "ReLU",
            "SiLU",
            "Sigmoid",
            "Softmax",
            "Softplus",
            "Tanh",
        ],
        "dropout": ["Dropout"],
        "normalization": ["BatchNorm1d", "LayerNorm"],
        "loss": ["CrossEntropyLoss", "MSELoss"],
    },
    submodules=["functional", "init", "utils"],
)
