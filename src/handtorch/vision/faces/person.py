"""Who is in the picture and how they were photographed: all that is drawn by chance.

What makes a :class:`Person` stays the same in all their pictures; a :class:`Sitting` is one picture. Both come from
NumPy's legacy generator, whose stream is promised never to change, seeded by the numbers of the person and the picture:
so a picture is the same whichever others are made, and in whichever order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from handtorch.vision.faces.glasses import Glasses
from handtorch.vision.faces.head import AGES, ANCESTRIES, SEXES, WEIGHTS, Head

Floats = npt.NDArray[np.float64]

# Linear RGB. Melanin takes away light exponentially, so between two skins the logarithm is mixed.
_PALE_SKIN, _DARK_SKIN = np.array([0.78, 0.50, 0.38]), np.array([0.105, 0.050, 0.028])
_HAIR = {
    "black": (0.010, 0.008, 0.007),
    "brown": (0.055, 0.028, 0.014),
    "chestnut": (0.12, 0.05, 0.022),
    "blond": (0.38, 0.24, 0.10),
    "red": (0.25, 0.07, 0.02),
}
_GREY_HAIR = np.array([0.40, 0.40, 0.41])
_IRISES = ((0.06, 0.03, 0.012), (0.14, 0.07, 0.025), (0.10, 0.14, 0.06), (0.12, 0.22, 0.34), (0.16, 0.19, 0.20))
# Of each ancestry: the range of melanin, and how often each colour of hair and of eyes is met.
_LOOKS = {
    "african": ((0.60, 1.00), (0.85, 0.15, 0, 0, 0), (0.85, 0.15, 0, 0, 0)),
    "asian": ((0.12, 0.50), (0.75, 0.25, 0, 0, 0), (0.75, 0.25, 0, 0, 0)),
    "caucasian": ((0.00, 0.30), (0.12, 0.33, 0.25, 0.22, 0.08), (0.15, 0.25, 0.15, 0.30, 0.15)),
}

_GLASSES = 0.4  # how many people have glasses

# Face units that go together, with how strong each is.
_EXPRESSIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "smile": {"mouthSmile": 0.7, "cheekSquint": 0.5, "eyeSquint": 0.3},
    "laugh": {"mouthSmile": 0.8, "jawOpen": 0.35, "cheekSquint": 0.7, "mouthUpperUp": 0.4},
    "anger": {"browDown": 0.8, "noseSneer": 0.5, "mouthPress": 0.5, "eyeSquint": 0.4},
    "surprise": {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyeWide": 0.6, "jawOpen": 0.45},
    "sadness": {"browInnerUp": 0.6, "mouthFrown": 0.7, "mouthShrugLower": 0.4},
    "doubt": {"browDown": 0.3, "mouthLeft": 0.6, "mouthPucker": 0.3},
    "speech": {"jawOpen": 0.3, "mouthFunnel": 0.4},
    "closed eyes": {"eyeBlink": 0.9},
}
_OFTEN = (0.24, 0.20, 0.10, 0.08, 0.08, 0.08, 0.07, 0.12, 0.03)


@dataclass(frozen=True)
class Person:
    """What all pictures of somebody share; colours are linear RGB, lengths decimetres."""

    shape: Floats
    """(K,) coefficients of the head's targets."""
    skin: Floats
    hair: Floats
    iris: Floats
    lips: Floats
    """What the skin's colour is multiplied by on the lips."""
    hair_volume: float
    """How far the hair stands off the head; 0 is shaved."""
    hairline: float
    """Height at which the hair begins above the forehead."""
    temples: float
    """How far the hairline recedes at the temples."""
    sides: float
    """How far down the hair covers the sides, 0 above the ears to 1 over them."""
    parting: float
    """Where the hair is parted, from left to right."""
    fringe: float
    """How far it hangs over the forehead."""
    quiff: float
    """How much higher it stands at the front than at the back; below 0 lower."""
    curls: float
    """0 for straight hair to 1 for curls."""
    shine: float
    """How much its strands differ in brightness."""
    brow_height: float
    brow_width: float
    brow_arch: float
    brow_density: float
    beard: float
    """0 for none to 1 for a full one."""
    moustache: float
    glasses: Glasses | None


@dataclass(frozen=True)
class Sitting:
    """One picture of somebody; angles in radians, colours linear RGB."""

    expression: Floats
    """(K,) coefficients of the head's targets."""
    yaw: float
    pitch: float
    roll: float
    gaze: Floats
    """(2,) where the eyes look, to the left and up, against the head."""
    distance: float
    """From the camera to the head, decimetres."""
    zoom: float
    shift: Floats
    """(2,) of the head in the picture, as a share of its size."""
    key: Floats
    """(3,) unit vector to the main light."""
    key_colour: Floats
    sky: Floats
    """The light from above, from all sides."""
    ground: Floats
    """The light from below."""
    exposure: float
    background: Floats
    """(4, 3) colours of the corners."""
    blobs: Floats
    """(B, 6) blurred things behind: x, y, radius, colour."""
    cloth: Floats
    wears: float
    """Glasses are left off when this, from 0 to 1, is above what their owner is used to."""
    noise: float
    """Standard deviation of the sensor's noise, of a full scale of 1."""
    seed: int


def draw_person(head: Head, seed: int, number: int) -> Person:
    """The person of that number, from 0 on."""
    chance = np.random.RandomState([seed, number])
    shape = np.zeros(len(head.targets))
    ancestry = chance.dirichlet([0.35] * len(ANCESTRIES))
    male = float(chance.random_sample() < 0.5)
    sex = np.clip([1 - male, male] + chance.uniform(-0.15, 0.15) * np.array([1, -1]), 0, 1)
    old = chance.beta(0.9, 1.6)
    _add_figure(head, shape, sex, np.array([1 - old, old]), ancestry, chance.uniform(-0.9, 0.9))
    for below, above in head.sliders:
        value = np.clip(chance.normal(0, 0.34), -1, 1) if above else np.clip(chance.normal(0, 0.20), 0, 1)
        shape[list(above if value > 0 and above else below)] += abs(value)
    shape[list(head.asymmetries)] += np.clip(chance.normal(0, 0.10, len(head.asymmetries)), 0, 0.5)
    looks = ANCESTRIES[int(chance.choice(len(ANCESTRIES), p=ancestry))]
    melanin_range, hair_odds, iris_odds = _LOOKS[looks]
    melanin = chance.uniform(*melanin_range)
    skin = _PALE_SKIN ** (1 - melanin) * _DARK_SKIN**melanin * chance.uniform([0.94, 0.94, 0.92], [1.06, 1.06, 1.08])
    hair = np.array(list(_HAIR.values())[int(chance.choice(len(_HAIR), p=hair_odds))]) * chance.uniform(0.7, 1.4)
    grey = np.clip((old - 0.45) * 2.2, 0, 1) * chance.uniform(0.2, 1)
    iris = np.array(_IRISES[int(chance.choice(len(_IRISES), p=iris_odds))]) * chance.uniform(0.8, 1.3)
    shaved = male * (chance.random_sample() < 0.05 + 0.1 * old)
    balding = male * (chance.random_sample() < 0.1 + 0.4 * old)
    bearded, moustached = male * (chance.random_sample(2) < 0.3)
    red = chance.uniform(0.55, 0.85)
    return Person(
        shape,
        skin=skin,
        hair=hair * (1 - grey) + _GREY_HAIR * grey,
        iris=iris,
        lips=np.array([1.0, red, red * 1.05]) * chance.uniform(0.75, 0.95),
        hair_volume=0.0 if shaved else chance.uniform(0.04, 0.26) + (1 - male) * chance.uniform(0.0, 0.08),
        hairline=chance.uniform(7.84, 8.10) + 0.06 * male + balding * chance.uniform(0.1, 0.6),
        temples=chance.uniform(0.0, 0.14) + male * chance.uniform(0.0, 0.14),
        sides=chance.uniform(0.0, 0.6) + (1 - male) * chance.uniform(0.0, 0.6),
        parting=chance.uniform(-0.5, 0.5),
        fringe=(1 - balding) * (chance.random_sample() < 0.45) * chance.uniform(0.05, 0.42),
        quiff=chance.uniform(-0.4, 0.5),
        curls=(chance.random_sample() < 0.4) * chance.uniform(0.2, 1.0),
        shine=chance.uniform(0.03, 0.2),
        brow_height=chance.uniform(-0.025, 0.04),
        brow_width=chance.uniform(0.022, 0.052) + 0.012 * male,
        brow_arch=chance.uniform(0.0, 0.06),
        brow_density=chance.uniform(0.4, 0.98),
        beard=bearded * chance.uniform(0.3, 1.0),
        moustache=max(bearded, moustached) * chance.uniform(0.3, 1.0),
        glasses=_draw_glasses(chance) if chance.random_sample() < _GLASSES else None,
    )


def _draw_glasses(chance: np.random.RandomState) -> Glasses:
    thin = chance.random_sample() < 0.5  # of metal, or of horn
    metal = chance.uniform(0.05, 0.5) * np.array([1.0, 0.9, 0.7])
    horn = chance.uniform(0.005, 0.12) * chance.uniform(0.4, 1.0, 3)
    return Glasses(
        width=chance.uniform(0.21, 0.30),
        height=chance.uniform(0.14, 0.26),
        squareness=chance.uniform(2.0, 4.5),
        thickness=chance.uniform(0.010, 0.017) if thin else chance.uniform(0.017, 0.032),
        drop=chance.uniform(0.0, 0.06),
        colour=metal if thin else horn,
        # Some have them on all the time, some only to read.
        worn=1.0 if chance.random_sample() < 0.6 else chance.uniform(0.3, 0.9),
    )


def _add_figure(head: Head, shape: Floats, sex: Floats, age: Floats, ancestry: Floats, weight: float) -> None:
    """Mix the targets of whole figures: every one counts by the product of what it stands for."""
    weights = np.array([max(-weight, 0), 1 - abs(weight), max(weight, 0)])
    for s, sex_name in zip(sex, SEXES, strict=True):
        for a, age_name in zip(age, AGES, strict=True):
            for share, name in zip(ancestry, ANCESTRIES, strict=True):
                shape[head.names[f"{name}-{sex_name}-{age_name}"]] = s * a * share
            for share, name in zip(weights, WEIGHTS, strict=True):
                shape[head.names[f"universal-{sex_name}-{age_name}-averagemuscle-{name}"]] = s * a * share


def draw_sitting(head: Head, seed: int, person: int, number: int) -> Sitting:
    """A person's picture of that number, from 0 on."""
    chance = np.random.RandomState([seed, person, number])
    azimuth, height = np.clip(chance.normal(0, 0.8), -1.5, 1.5), chance.uniform(-0.1, 1.0)
    warmth = chance.uniform(-0.18, 0.18)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    ambient = chance.uniform(0.22, 0.65)
    wall = chance.uniform(0.02, 0.6) * chance.uniform(0.6, 1.4, 3)
    count = chance.randint(0, 6)
    muted = wall * chance.uniform(0.3, 1.7, (count, 1)) * chance.uniform(0.75, 1.25, (count, 3))
    return Sitting(
        expression=_draw_expression(head, chance),
        yaw=float(np.clip(chance.normal(0, 0.26), -0.75, 0.75)),
        pitch=float(np.clip(chance.normal(0, 0.12), -0.35, 0.35)),
        roll=float(chance.normal(0, 0.07)),
        gaze=chance.normal(0, 0.12, 2),
        distance=chance.uniform(7, 16),
        zoom=chance.uniform(0.92, 1.1),
        shift=chance.normal(0, 0.022, 2),
        key=np.array([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)]),
        key_colour=tint * chance.uniform(0.7, 1.25),
        sky=ambient * (2 - tint) * chance.uniform(0.9, 1.1, 3),
        ground=ambient * chance.uniform(0.25, 0.6) * (0.5 + 0.5 * wall / wall.max()),
        exposure=chance.uniform(0.8, 1.25),
        background=np.clip(wall * chance.uniform(0.55, 1.45, (4, 1)) * chance.uniform(0.9, 1.1, (4, 3)), 0, 1),
        blobs=np.column_stack([chance.uniform(0, 1, (count, 2)), chance.uniform(0.06, 0.35, count), muted]),
        cloth=chance.uniform(0.02, 0.6) * chance.uniform(0.3, 1.4, 3),
        wears=chance.random_sample(),
        noise=chance.uniform(0.0, 0.012),
        seed=int(chance.randint(2**31)),
    )


def _draw_expression(head: Head, chance: np.random.RandomState) -> Floats:
    expression = np.zeros(len(head.targets))
    name = list(_EXPRESSIONS)[int(chance.choice(len(_EXPRESSIONS), p=_OFTEN))]
    strength = chance.uniform(0.4, 1.15)
    for unit, amount in _EXPRESSIONS[name].items():
        lopsided = chance.normal(0, 0.12)
        if unit in head.names:
            expression[head.names[unit]] = amount * strength
        else:
            expression[head.names[f"{unit}Left"]] = np.clip(amount * strength * (1 + lopsided), 0, 1)
            expression[head.names[f"{unit}Right"]] = np.clip(amount * strength * (1 - lopsided), 0, 1)
    lids = max(float(chance.normal(0.05, 0.10)), 0.0)
    for side in ("Left", "Right"):
        expression[head.names[f"eyeBlink{side}"]] = max(expression[head.names[f"eyeBlink{side}"]], min(lids, 0.35))
    return expression
