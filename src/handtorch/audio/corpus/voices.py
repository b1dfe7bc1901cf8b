"""Which of espeak-ng's 104 voice variants train, tune and test: a fixed split in which no test voice was heard before.

Many variants are near copies of one another (``klatt6`` and ``adam`` differ by 0.7 dB). Families were therefore formed
by the root mean square difference in dB of the mel spectra of the same phones, and each family lies in one split: no
voice of the test split is within 3.5 dB of any other split. Each split has both sexes and both ways of synthesis,
formants and Klatt's.
"""

from __future__ import annotations

TEST_VOICES = (
    *("steph", "steph2", "steph3", "Andrea", "anika", "anikaRobot", "grandma"),
    *("iven", "iven2", "iven3", "iven4", "klatt", "klatt2", "travis", "norbert", "Andy", "shelby", "zac"),
)

DEV_VOICES = ("linda", "belinda", "Mario", "Nguyen", "m7", "Storm", "boris", "Lee", "david")

TRAIN_VOICES = (
    *("Alex", "Annie", "AnxiousAndy", "Demonic", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky"),
    *(
        "Michael",
        "Mike",
        "Mr serious",
        "Reed",
        "Tweaky",
        "UniRobot",
        "adam",
        "announcer",
        "antonio",
        "aunty",
        "benjamin",
    ),
    *(
        "caleb",
        "croak",
        "ed",
        "edward",
        "edward2",
        "f1",
        "f2",
        "f3",
        "f4",
        "f5",
        "fast",
        "grandpa",
        "gustave",
        "ian",
        "john",
    ),
    *("kaukovalta", "klatt3", "klatt4", "klatt5", "klatt6", "m1", "m2", "m3", "m4", "m5", "m6", "m8", "marcelo", "max"),
    *("michel", "miguel", "mike2", "pablo", "paul", "pedro", "quincy", "rob", "robert", "robosoft2", "robosoft3"),
    *("robosoft4", "robosoft5", "robosoft7", "sandro", "victor", "whisper", "whisperf"),
)

UNUSABLE_VOICES = (
    *("Alicia", "Marco", "RicishayMax", "RicishayMax2", "RicishayMax3", "robosoft", "robosoft6", "robosoft8"),
)
"""An echo fills the closures before their stops, so that where a phone ends cannot be told."""

VOICES = {"train": TRAIN_VOICES, "dev": DEV_VOICES, "test": TEST_VOICES}
