"""The eight emotions: their order, their colours, and the other names people give them."""

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
MAJORITY = ("happiness", "neutral")
MINORITY = tuple(emotion for emotion in EMOTIONS if emotion not in MAJORITY)

# Paul Tol's "muted" scheme, for the colour-blind, so ordered that neighbours differ in lightness, and so in grey.
COLOURS = {
    "anger": "#882255", "contempt": "#DDCC77", "disgust": "#117733", "fear": "#AA4499",
    "happiness": "#CC6677", "neutral": "#332288", "sadness": "#88CCEE", "surprise": "#44AA99",
}  # fmt: skip

ALIASES = {
    "angry": "anger", "contemptuous": "contempt", "disgusted": "disgust", "afraid": "fear", "fearful": "fear",
    "happy": "happiness", "joy": "happiness", "sad": "sadness", "surprised": "surprise",
}  # fmt: skip


def canonical(label: str) -> str | None:
    """The emotion that `label` means, whatever its case, its blanks or its grammar; None if it is not one."""
    word = label.strip().lower()
    word = ALIASES.get(word, word)
    return word if word in EMOTIONS else None
