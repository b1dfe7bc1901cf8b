"""Optimizers, one a file, and learning-rate schedules. Rules are plain NumPy; SGD and Adam have compiled twins."""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "optimizer": ["Optimizer"],
        "sgd": ["SGD"],
        "adam": ["Adam"],
        "adamw": ["AdamW"],
        "adadelta": ["Adadelta"],
        "adafactor": ["Adafactor"],
        "adagrad": ["Adagrad"],
        "adamax": ["Adamax"],
        "asgd": ["ASGD"],
        "lbfgs": ["LBFGS"],
        "muon": ["Muon"],
        "nadam": ["NAdam"],
        "radam": ["RAdam"],
        "rmsprop": ["RMSprop"],
        "rprop": ["Rprop"],
    },
    submodules=["lr_scheduler", "swa_utils"],
)
