"""Sentences to be spoken: a small grammar over a word list chosen so that all 39 phonemes are common.

English text alone hears "zh" and "oy" a thousand times less often than "n" and "t". The word list therefore
holds many words with the rare sounds, and a part of the utterances are strings of words without grammar, drawn
so that every phoneme meets many neighbours.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_PEOPLE = """
aunt author baker boy brother butcher captain child clerk cook cousin coach dancer daughter dentist doctor driver
editor engineer farmer father fisher friend gardener giant girl guard guest guide hunter husband janitor jeweller
judge juggler king lawyer lodger mayor merchant miner mother musician neighbour nephew nurse orphan painter pilot
plumber poet pupil queen royal runner sailor scholar shepherd shopper singer sister soldier stranger student
surgeon tailor teacher thief toymaker treasurer uncle usher villager visitor voyager waiter watchman weaver woman
worker writer youth teenager chemist treasure-hunter magician politician
""".split()

_ANIMALS = """
badger bear bird bull cat cow crow dog donkey duck eagle elephant fish fox frog giraffe goat goose hawk hedgehog
horse hound lamb lion mouse moth owl ox oyster parrot pigeon pony puppy rabbit robin seal sheep snake spider squirrel
thrush tiger tortoise trout turkey vulture walrus wasp whale wolf yak zebra jaguar python panther kangaroo
""".split()

_THINGS = """
apple badge bath beige-jacket bell bench book boot bottle bowl box bridge brush bucket button cabbage cage candle
carriage catalogue chain chair cheese cherry chimney cloth cloud coin collage compass couch cup cushion decision
diamond dish door drawing earring engine envelope feather fence fire flower fork foil garage garment gift glove
goggles hammer hat hook house jar jewel jigsaw joint joke journey jug juice kettle keyhole kite ladder lamp lantern
leather ledger leisure letter lotion machine magazine map match measure medal melody menu message mirage mirror
mouth needle noise notebook oil onion orange outing oven package page paper peach pebble pencil photograph picture
pillow pitcher plate plough pleasure point poison potion present pudding puzzle question radio ring road roof room
rouge rug sausage scarf scheme scissors shadow shawl shelf shield shoe shovel sketch sofa soil song spoon stage
statue stone story stove sugar switch table television theatre thimble thing thorn thread throat thumb thunder toast
tooth tower toy treasure treatise trophy trousers truth tunnel umbrella vase vegetable vehicle vessel view village
violin vision visa voice voucher wagon wardrobe watch weather wheel whistle window wire wool wreath yarn yolk zipper
azure-ribbon massage sabotage camouflage prestige collision division explosion closure exposure erosion version
""".split()

_PLACES = """
airport alley attic avenue bakery balcony barn beach bookshop bush canyon castle cathedral cave church city coast
cottage courtyard desert dock factory farm field foothills forest fountain garage garden gorge harbour hill hotel
house island jungle kitchen lake library lighthouse marsh meadow mill moor mountain museum north oasis office orchard
palace park path pier pool port quarry river school shore south square stadium stable station street studio temple
theatre tower town university valley vineyard village warehouse well wharf wood woodyard workshop yard zoo
""".split()

_ADJECTIVES = """
ancient angry awkward azure beige big bitter blue brave brief bright broad broken brown calm careful casual cautious
charming cheap cheerful childish chilly clean clever cloudy coarse cold cool cosy crooked cruel curious dark dear
deep dirty double dull dusty eager early easy empty enormous faithful familiar famous feathered fierce fresh frozen
full funny furious gentle genuine good graceful greedy green grey grown-up happy harsh heavy hollow honest huge hungry
icy jealous joyful juicy kind large lazy leather light little lively lonely long loose loud lovely loyal lucky
massive mild moist muddy narrow nervous new noisy northern odd old orange outdoor patient pale peculiar perfect plain
playful pleasant poor precious proud pure purple quick quiet quaint rapid rare raw red rich rotten rough round royal
rude sad scarce serious shabby shallow sharp shiny short shy silent silver simple sleepy slow small smooth soft sour
southern special spoiled spotless square stout strange strict strong sudden sunny sure sweet tall tame tasty tender
thick thin thirsty thorough thoughtful tidy tiny tough trusty twisted ugly unusual urgent useful usual vague vain
valuable various vast violet visual warm weak weird wet white whole wide wild wise wooden worthy yellow young zealous
""".split()

_TRANSITIVE = """
adored admired annoyed answered asked avoided baked begged boiled borrowed bought brought brushed built buried carried
caught changed chased chose cooked counted covered crushed cut damaged described destroyed drew dropped employed enjoyed
examined exchanged feared fetched finished fixed followed forgave found gathered gave greeted guarded guided heard held
helped hid hit hugged ignored invited joined judged juggled kept kicked kissed knew lifted liked loaned looked-after
lost loved made measured mended met missed moved needed noticed offered opened ordered owned packed painted passed
paid photographed picked pointed-at polished praised promised protected pulled pushed put-away questioned raised reached
recognised remembered rescued returned rubbed saved saw scratched searched sent served shaved shook showed shut sketched
smoothed sold spoiled stole studied surprised tasted taught thanked threw took touched traded treasured treated tried
trusted understood untied used valued visited voiced wanted warned washed watched wore worshipped wrapped wrote
""".split()

_INTRANSITIVE = """
appeared arrived awoke blushed bowed breathed coughed cried crouched danced disappeared dozed dreamed escaped fainted
fell flew froze galloped giggled grew grinned hesitated hurried jogged jumped laughed leaned listened lunched marched
mumbled nodded paused played prayed ran rejoiced rested returned roared rose rowed rushed sang shivered shouted shrugged
sighed skated slept smiled sneezed snored spoke stood strolled stumbled swam talked thought travelled trembled twitched
vanished voyaged waited walked wandered waved wept whispered whistled worked yawned yelled
""".split()

_ADVERBS = """
again always badly barely beautifully bravely briefly calmly carefully casually cheerfully clearly closely eagerly
early easily faithfully firmly foolishly frequently gently gladly gracefully greedily happily harshly hastily honestly
hourly hungrily jealously joyfully joyously kindly lately leisurely loudly loyally merrily nearby neatly nervously never
noisily now often once openly outdoors outside patiently perfectly playfully poorly proudly purely quickly quietly
rarely roughly sadly safely seldom sharply shortly silently slowly smoothly softly soon speedily steadily suddenly
surely sweetly swiftly thoroughly thoughtfully together tomorrow truthfully twice unusually upstairs urgently usually
vaguely visually warmly weekly wildly wisely yearly yesterday youthfully
""".split()

_PREPOSITIONS = """
above across against along around before behind below beneath beside between beyond by down from inside into near
off opposite outside over past through to toward towards under underneath up upon within without
""".split()

_DETERMINERS = "the a this that the my your his her our their each every another some no".split()
_NUMBERS = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety thousand
""".split()
_NAMES = """
Agatha Alice Andrew Arthur Barbara Beth Charlie Chloe Claire Cynthia Dorothy Edith Ethan Floyd George Geoffrey Hugh
Jack James Jean Joan Jonathan Joyce Judith Julia Keith Kenneth Leah Louise Lucy Martha Matthew Megan Michelle Nathan
Olivia Oscar Paul Rachel Roy Ruth Sasha Sean Sophia Theodore Thomas Timothy Troy Vivian Walter Yolanda Yusuf Zachary Zoe
""".split()
_PRONOUNS = "I you he she we they".split()
_LINKS = "and but so yet because while although unless until whenever whether since though where".split()
_MODALS = "could should would will must might can may shall".split()
_BASE_VERBS = """
answer ask avoid bathe begin believe borrow breathe bring build buy carry catch change choose clothe collect come
continue cook cough deploy destroy draw drive eat employ enjoy explain fetch find finish follow forgive gather go growl
guess hear help hide hold imagine join judge jump keep knock know laugh learn leave listen look lose manage measure
mention move nourish offer open order paint pay plough point pour praise prove pull push put question reach read rejoice
remain remember return row say search see sell shake share shout show shut sing sit smooth soothe speak spoil stay
study suggest swim take talk teach tell thank think throw touch travel trust try turn understand use visit voyage wait
walk wash watch weave whisper wish wonder work worry write yell yield
""".split()
# Words for the sounds that running English is short of: zh oy uh th dh ch jh aw y.
_RARE = """
vision measure treasure pleasure leisure garage beige casual usual television decision collision division explosion
mirage azure massage erosion illusion closure exposure composure seizure rouge visual confusion invasion occasion
boy toy joy coin noise voice choice oyster royal loyal annoy destroy employ point join oil soil boil foil spoil moist
poison avoid enjoy appointment moisture turmoil
book good foot wood cook look put push pull full bush sugar wool hook shook cushion butcher pudding stood crook
thin thick thumb thunder theatre thorough worth north south mouth cloth path tooth youth earth birth faith health wealth
this that these those there bathe breathe smooth soothe clothe weather feather leather mother father brother rather
church cheese cherry choose catch watch match peach teach coach chalk chilly future nature picture creature venture
judge gem giant ginger jelly jungle magic major margin pigeon wage edge large orange strange village college agile
cow cloud crowd down found ground house loud mountain mouse now owl pound proud round shout town trout vow
year yes yellow yard yacht yarn youth beyond canyon lawyer onion million unit use cube music huge few view argue
air bear care chair fear gear here near pier poor pure tour fire hire wire hour sour tower power world girl bird nurse
zoo zeal zone zigzag lazy crazy dozen cousin busy easy jazz buzz gaze prize
wing ring song long hang strong finger hunger anchor uncle ankle thank young single
""".split()

_CONTENT = sorted(
    {
        *_PEOPLE, *_ANIMALS, *_THINGS, *_PLACES, *_ADJECTIVES, *_TRANSITIVE, *_INTRANSITIVE, *_ADVERBS, *_NUMBERS,
        *_NAMES, *_BASE_VERBS,
    }
)  # fmt: skip

_WORDS: dict[str, Sequence[str]] = {
    "person": _PEOPLE,
    "animal": _ANIMALS,
    "thing": _THINGS,
    "place": _PLACES,
    "adj": _ADJECTIVES,
    "did": _TRANSITIVE,
    "went": _INTRANSITIVE,
    "adv": _ADVERBS,
    "prep": _PREPOSITIONS,
    "det": _DETERMINERS,
    "number": _NUMBERS,
    "name": _NAMES,
    "pron": _PRONOUNS,
    "link": _LINKS,
    "modal": _MODALS,
    "do": _BASE_VERBS,
    "rare": _RARE,
    "any": _CONTENT,
}

_TEMPLATES = [
    "det adj person did det adj thing",
    "det person prep det place went adv",
    "name did det thing prep det adj place",
    "name and name adv did det adj animal",
    "pron modal do det thing prep det place",
    "adv , det animal went prep det adj thing",
    "number adj animal -s went prep det place",
    "why did det person do det adj thing ?",
    "modal pron do det rare thing , or modal pron do det adj animal ?",
    "det thing and det thing were adj , link det person went",
    "do det rare , and adv do det adj thing",
    "link name went , det adj animal did det thing",
    "pron never did such det adj rare",
    "there were number person -s prep det adj place",
    "name , det adj person , did number thing -s",
    "please do the adj thing prep the place",
    "det person of det place did rare and rare",
    "what det adj animal ! pron did it adv",
    "it was adv adj , link det rare was adj",
    "who modal do the thing that name did ?",
]
_SALADS = [
    "any rare any rare",
    "rare any any rare any",
    "rare rare any any rare rare",
    "any rare any rare any rare any",
]
_SALAD_SHARE = 0.4


def _pick(rng: random.Random, items: Sequence[str]) -> str:
    # Only random() is promised to give the same numbers in every version of Python, so all choices rest on it.
    return items[int(rng.random() * len(items))]


def _fill(rng: random.Random, template: str) -> str:
    words: list[str] = []
    for slot in template.split():
        if slot == "-s":
            words[-1] += "s"
        elif slot in {",", "?", "!"}:
            words[-1] += slot
        else:
            words.append(_pick(rng, _WORDS.get(slot, (slot,))).replace("-", " "))
    text = " ".join(words)
    text = text[0].upper() + text[1:]
    return text if text[-1] in "?!" else text + "."


def stream(seed: int) -> Iterator[str]:
    """Yield sentences without end, no two the same, the same for the same ``seed`` in every version of Python."""
    rng = random.Random(seed)
    seen: set[str] = set()
    while True:
        templates = _SALADS if rng.random() < _SALAD_SHARE else _TEMPLATES
        text = _fill(rng, _pick(rng, templates))
        if text not in seen:
            seen.add(text)
            yield text


def vocabulary() -> tuple[str, ...]:
    """All words that a sentence can hold, sorted."""
    words = {part for items in _WORDS.values() for word in items for part in word.split("-")}
    words |= {word for template in _TEMPLATES for word in template.split() if word.isalpha() and word not in _WORDS}
    return tuple(sorted(words))
