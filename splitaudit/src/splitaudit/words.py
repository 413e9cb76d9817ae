"""What people call things: columns of a table, parts of a split, folders that mean nothing."""

import re

COLUMNS = {  # the best name first
    "picture": (
        "photo image picture file filename file_name path filepath file_path image_name "
        "image_path imagepath image_file img img_name img_path imgpath pth fname image_id id name"
    ).split(),
    "label": (
        "emotion label class expression category target class_name classname category_name "
        "label_name diagnosis dx species breed tag labels class_id y"
    ).split(),
    "group": (
        "subject subject_id person person_id identity actor participant participant_id patient "
        "patient_id patientid group group_id video video_id clip clip_id sequence scene"
    ).split(),
    "source": ["source"],
    "annotator": ["annotator", "labeler", "labeller", "user_id", "user"],
    "split": "split usage set subset partition data_set dataset phase fold".split(),
    "pixels": ["pixels"],
}
BOXES = (  # left, top, right and bottom; or left, top, width and height
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
    ("face_box_left", "face_box_top", "face_box_right", "face_box_bottom"),
    ("roi_x1", "roi_y1", "roi_x2", "roi_y2"),
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("bbox_x", "bbox_y", "bbox_width", "bbox_height"),
)
BOXES_BY_SIZE = ("w", "width", "bbox_width")
MEASURES = set(  # columns of numbers that are no votes for a class
    "width height depth size index confidence score relfcs area age weight row unnamed_0".split()
)
NO_VOTE = ("unknown", "nf", "unlabeled", "none")  # FER+: cannot tell, and no face

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
PARTS = (TRAIN, VALIDATION, TEST)
PART_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "trn": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "publictest": VALIDATION,  # what FER2013's contest chose models by
    "test": TEST,
    "testing": TEST,
    "tst": TEST,
    "eval": TEST,
    "privatetest": TEST,
}
PLAIN_WORDS = set(  # they say what every such folder holds
    "image images img imgs picture pictures photo photos data dataset datasets set sets folder "
    "folders file files frame frames sample samples jpg jpeg png jpgs pngs split splits raw "
    "original originals cropped aligned resized dir directory all output outputs augmented "
    "aug".split()
)

# Codes of known collections: what their numbers mean where nothing else says so.
FER2013_NUMBERS = dict(
    zip("01234567", "anger disgust fear happiness sadness surprise neutral contempt".split())
)
RAF_DB_NUMBERS = dict(
    zip("1234567", "surprise fear disgust happiness sadness anger neutral".split())
)
RAF_DB_NAME = re.compile(r"(?:train|test)_\d{4,5}(?:_aligned)?\.\w+", re.IGNORECASE)
RAF_DB_LIST = "list_patition_label.txt"  # spelt so by RAF-DB

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = re.compile(r"[^\W\d_]+")


def words_of(name: str) -> list[str]:
    """The words in a name in lower case: `trainingData_2` has training and data."""
    apart = _CAMEL.sub(" ", name)
    return [word.lower() for word in _LETTERS.findall(apart)]


def part_of_word(text: str) -> str:
    """The part of a split that a cell or a file's name means, or "": `Test set`, `x_train`."""
    found = []
    for word in words_of(text):
        if word in PART_WORDS:
            found.append(PART_WORDS[word])
    whole = re.sub(r"[\W\d_]+", "", text).lower()
    whole = re.sub(r"^fer|set$", "", whole)
    if whole in PART_WORDS:
        return PART_WORDS[whole]
    return found[0] if len(set(found)) == 1 else ""
