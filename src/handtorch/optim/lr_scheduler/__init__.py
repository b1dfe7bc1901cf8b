"""Learning-rate schedules, one idea a file. All are PyTorch's: they write the rate into the optimizer's groups.

Call ``scheduler.step()`` after ``optimizer.step()``. Most rules work from the present rate (chainable), so that two
schedulers on one optimizer multiply.
"""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "scheduler": ["LRScheduler", "_LRScheduler"],
        "decay": ["ConstantLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR"],
        "annealing": ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"],
        "cyclic": ["CyclicLR", "OneCycleLR"],
        "functional": ["LambdaLR", "MultiplicativeLR"],
        "plateau": ["ReduceLROnPlateau"],
        "combination": ["ChainedScheduler", "SequentialLR"],
    },
)
