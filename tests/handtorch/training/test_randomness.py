"""Every generator that a run draws from is found, taken down and put back."""

import random

import numpy as np

import handtorch
from handtorch.training import randomness
from handtorch.utils.data import DataLoader, RandomSampler


class Augment:
    def __init__(self):
        self.rng = np.random.default_rng(3)

    def __call__(self, batch):
        return batch


class Compose:
    def __init__(self, *transforms):
        self.transforms = list(transforms)


class Samples(list):
    def __init__(self):
        super().__init__(range(10))
        self.transform = Compose(Augment())
        self.old = np.random.RandomState(4)
        self.python = random.Random(5)


def test_generators_of_loader_sampler_data_set_and_transforms_are_put_back():
    data, collate = Samples(), Augment()
    sampler = RandomSampler(data, generator=handtorch.Generator().manual_seed(1))
    loader = DataLoader(data, sampler=sampler, collate_fn=collate.__call__, generator=handtorch.Generator())

    def draw():
        return [
            handtorch.rand(1).item(),
            np.random.random(),
            random.random(),
            handtorch.rand(1, generator=sampler.generator).item(),
            handtorch.rand(1, generator=loader.generator).item(),
            data.transform.transforms[0].rng.random(),
            data.old.random_sample(),
            data.python.random(),
            collate.rng.random(),
        ]

    draw()
    state = randomness.capture([loader, None])
    first = draw()
    assert draw() != first
    randomness.restore(state, [loader, None])
    assert draw() == first


def test_a_generator_is_taken_once_however_many_hold_it():
    shared = handtorch.Generator().manual_seed(1)
    loader = DataLoader(list(range(4)), shuffle=True, generator=shared)
    names = [name for name in randomness.capture([loader]) if name.startswith("loader")]
    assert len(names) == 1
