"""The eight emotions: their order, their colours, and the other names people give them."""

import re

EMOTIONS = (
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
)
MAJORITY = ("happiness", "neutral")
MINORITY = tuple(emotion for emotion in EMOTIONS if emotion not in MAJORITY)

# Paul Tol's "muted" scheme, for the colour-blind, so ordered that neighbours differ in lightness,
# and so in grey.
COLOURS = {
    "anger": "#882255",
    "contempt": "#DDCC77",
    "disgust": "#117733",
    "fear": "#AA4499",
    "happiness": "#CC6677",
    "neutral": "#332288",
    "sadness": "#88CCEE",
    "surprise": "#44AA99",
}

# Other forms, frequent slips of the pen, and the codes in the file names of JAFFE, KDEF, CREMA-D.
ALIASES = {
    "anger": "angry angrily mad an ang",
    "contempt": "contemptuous scorn con",
    "disgust": "disgusted di dis",
    "fear": "afraid fearful scared frightened fe fea af",
    "happiness": "happy happily joy joyful ha hap",
    "neutral": "neutrality natural ne neu",
    "sadness": "sad sadly unhappy sa",
    "surprise": "surprised suprise suprised surprize su sur",
}

EMOTION_OF = {}
for _emotion, _words in ALIASES.items():
    for _word in (_emotion, *_words.split()):
        EMOTION_OF[_word] = _emotion


def canonical(label: str) -> str | None:
    """The emotion that `label` means, or None.

    Whatever its case, its grammar, or what stands around it (`0_Angry `).
    """
    word = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", label)
    return EMOTION_OF.get(word.lower())
