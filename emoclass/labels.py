"""The eight emotions: their order, their colours, and the other names people give them."""

import re

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
MAJORITY = ("happiness", "neutral")
MINORITY = tuple(emotion for emotion in EMOTIONS if emotion not in MAJORITY)

# Paul Tol's "muted" scheme, for the colour-blind, so ordered that neighbours differ in lightness, and so in grey.
COLOURS = {
    "anger": "#882255", "contempt": "#DDCC77", "disgust": "#117733", "fear": "#AA4499",
    "happiness": "#CC6677", "neutral": "#332288", "sadness": "#88CCEE", "surprise": "#44AA99",
}  # fmt: skip

ALIASES = {  # other forms, frequent slips of the pen, and the codes in the file names of JAFFE, KDEF and CREMA-D
    "anger": "angry angrily mad an ang", "contempt": "contemptuous scorn con",
    "disgust": "disgusted di dis", "fear": "afraid fearful scared frightened fe fea af",
    "happiness": "happy happily joy joyful ha hap", "neutral": "neutrality natural ne neu",
    "sadness": "sad sadly unhappy sa", "surprise": "surprised suprise suprised surprize su sur",
}  # fmt: skip
EMOTION_OF = {
    word: emotion for emotion, words in ALIASES.items() for word in (emotion, *words.split())
}


def canonical(label: str) -> str | None:
    """The emotion that `label` means, whatever its case, grammar or what stands around it (`0_Angry `), or None."""
    return EMOTION_OF.get(re.sub(r"^[\W\d_]+|[\W\d_]+$", "", label).lower())
