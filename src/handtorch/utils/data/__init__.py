"""Feeding a training loop: datasets, the orders to draw them in, and the loader that makes batches.

- :mod:`dataset` -- what there is: things with an index, or streams
- :mod:`sampler` -- in which order it is drawn; :mod:`bucketing` -- like lengths together
- :mod:`collate` -- how samples become a batch
- :mod:`dataloader` -- the loop over batches, in this process (:mod:`iterator`) or in workers (:mod:`parallel`)
"""

from handtorch.utils.data.bucketing import BucketBatchSampler
from handtorch.utils.data.collate import default_collate, default_convert
from handtorch.utils.data.dataloader import DataLoader
from handtorch.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from handtorch.utils.data.distributed import DistributedSampler
from handtorch.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from handtorch.utils.data.worker_info import get_worker_info

__all__ = [
    "BatchSampler",
    "BucketBatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]
