"""What is found between two collections of pictures, and what is not."""

import cv2
import numpy as np
import pytest
from drawn_faces import face
from drawn_textures import texture, turned

from splitaudit.pairs import find_pairs
from splitaudit.pictures import SIDE, Pictures

TRAIN = 60


def recoloured(picture):
    """Other colours of the same lightness."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    swapped = np.stack([lab[..., 0], lab[..., 2], 255 - lab[..., 1]], axis=-1)
    return cv2.cvtColor(swapped, cv2.COLOR_LAB2RGB)


def cropped(picture):
    return cv2.resize(picture[5:105, 12:112], (120, 120))


def with_a_patch(picture):
    copy = picture.copy()
    copy[20:70, 50:100] = 90
    return copy


def saved_as_jpeg(picture):
    small = cv2.resize(picture, (70, 70), interpolation=cv2.INTER_AREA)
    _, stream = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 40])
    return cv2.imdecode(stream, cv2.IMREAD_COLOR)


COPIES = {
    "mirrored": lambda picture: picture[:, ::-1],
    "upside down": lambda picture: picture[::-1],
    "quarter turn": lambda picture: np.rot90(picture),
    "half turn": lambda picture: picture[::-1, ::-1],
    "transposed": lambda picture: picture.transpose(1, 0, 2),
    "turned by 30 degrees": lambda picture: turned(picture, 30),
    "turned by -45 degrees": lambda picture: turned(picture, -45),
    "mirrored, turned, zoomed": lambda picture: turned(picture[:, ::-1], 98, 1.1),
    "cropped": cropped,
    "erased": with_a_patch,
    "recoloured": recoloured,
    "grey": lambda picture: cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY),
    "inverted": lambda picture: 255 - picture,
    "jpeg": saved_as_jpeg,
}


@pytest.fixture(scope="module")
def found():
    train = [texture(k) for k in range(TRAIN)]
    test = []
    for number, draw in enumerate(COPIES.values()):
        test.append(np.ascontiguousarray(draw(train[number])))
    for k in range(15):
        test.append(texture(1000 + k))
    pictures = Pictures.from_arrays(test)
    return find_pairs(pictures, Pictures.from_arrays(train)), pictures, train


def of_kind(found, kind):
    pairs = found[0].pairs
    return pairs[pairs.test == list(COPIES).index(kind)]


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_with_its_original_alone(found, kind):
    pairs = of_kind(found, kind)
    assert pairs.train.tolist() == [list(COPIES).index(kind)]
    assert pairs.kind.isin(["near-duplicate", "transformed copy"]).all()
    assert (pairs.probability > 0.95).all()


def test_strangers_are_not_called_copies(found):
    assert (found[0].pairs.test < len(COPIES)).all()


def test_what_was_done_is_told_in_words(found):
    wanted = {
        "mirrored": "mirrored",
        "upside down": "flipped upside down",
        "quarter turn": "turned by 90 degrees",
        "half turn": "turned by 180 degrees",
        "turned by 30 degrees": "turned by 30 degrees",
        "mirrored, turned, zoomed": "mirrored, turned by 90 + 8 degrees, zoomed by 1.1",
        "inverted": "inverted",
        "jpeg": "not moved",
    }
    words = {}
    for kind in wanted:
        words[kind] = of_kind(found, kind).transformation.iloc[0]
    assert words == wanted


def test_the_matrix_warps_the_copy_onto_its_original(found):
    pictures, train = found[1:]
    pair = of_kind(found, "mirrored, turned, zoomed").iloc[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(pictures.small[pair.test], pair.matrix, (SIDE, SIDE), flags=flags)
    original = Pictures.from_arrays([train[pair.train]]).small[0]
    middle = slice(SIDE // 4, -SIDE // 4)
    apart = np.abs(moved[middle, middle].astype(int) - original[middle, middle])
    assert apart.mean() < 8


def test_pictures_in_their_shape():
    train = [texture(k, 80, 240) for k in range(20)]
    train += [texture(k, 200, 90) for k in range(20, 40)]
    test = [train[3][::-1], np.ascontiguousarray(np.rot90(train[5])), train[25][:, ::-1]]
    pairs = find_pairs(Pictures.from_arrays(test), Pictures.from_arrays(train)).pairs
    assert sorted(zip(pairs.test, pairs.train)) == [(0, 3), (1, 5), (2, 25)]


def test_within_one_collection_each_pair_comes_once():
    pictures = [texture(k) for k in range(30)]
    pictures += [np.ascontiguousarray(pictures[4][:, ::-1]), pictures[9], turned(pictures[9], 12)]
    pairs = find_pairs(Pictures.from_arrays(pictures)).pairs
    assert list(pairs.columns[:2]) == ["one", "other"]
    assert set(zip(pairs.one, pairs.other)) == {(4, 30), (9, 31), (9, 32), (31, 32)}
    assert len(pairs) == 4
    same = pairs[pairs.kind == "same file"]
    assert same[["one", "other"]].to_numpy().tolist() == [[9, 31]]


def pale(seed):
    rng = np.random.default_rng([3, seed])
    picture = np.tile(np.linspace(200, 160, 96)[:, None], (1, 96))
    for _ in range(60):
        place = rng.integers(0, 96, 2).tolist()
        cv2.circle(picture, place, int(rng.integers(1, 4)), float(rng.integers(120, 170)), -1)
    return picture.clip(0, 255).astype(np.uint8)


def busy(seed):
    coarse = np.random.default_rng([4, seed]).integers(0, 256, (6, 6), np.uint8)
    return cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC)


def test_pale_textures_are_no_copies_of_each_other():
    train = [busy(k) for k in range(60)] + [pale(k) for k in range(20)]
    test = [busy(100 + k) for k in range(20)] + [pale(100 + k) for k in range(7)]
    pairs = find_pairs(Pictures.from_arrays(test), Pictures.from_arrays(train)).pairs
    assert pairs.empty


def stripe(place, angle):
    picture = np.full((96, 96), 120, np.uint8)
    picture[:, place : place + 9] = 230
    return turned(np.repeat(picture[..., None], 3, axis=2), angle, 1.6)


def test_stripes_are_too_plain_to_tell():
    train = [stripe(20 + k, 2 * k) for k in range(30)]
    test = [stripe(25 + k, 3 * k + 31) for k in range(10)]
    found = find_pairs(Pictures.from_arrays(test), Pictures.from_arrays(train))
    assert found.pairs.empty
    assert found.undecided > 0


def test_what_has_the_same_file_is_decided():
    train = [stripe(20 + k, 2 * k) for k in range(30)]
    found = find_pairs(Pictures.from_arrays(train[:10]), Pictures.from_arrays(train))
    assert set(found.pairs.test) == set(range(10))
    assert found.undecided == 0


def test_blank_and_tiny_pictures_end_nothing():
    blank = [np.full((50, 60), 255, np.uint8), np.zeros((1, 1), np.uint8)]
    blob = np.full((48, 48), 255, np.uint8)
    blob[20:30, 18:30] = 10
    test = [*blank, blob, np.full((300, 2, 3), 7, np.uint8)]
    train = [blob[::-1].copy(), np.full((40, 40), 255, np.uint8), texture(1)]
    found = find_pairs(Pictures.from_arrays(test), Pictures.from_arrays(train))
    assert found.compared == (4, 3)
    assert set(found.pairs.test) <= {2}


def test_nothing_to_compare_is_no_pair():
    nothing = Pictures.from_arrays([])
    some = Pictures.from_arrays([texture(1)])
    for pair in ((nothing, some), (some, nothing), (nothing, None), (some, None)):
        assert find_pairs(*pair).pairs.empty


def test_among_a_few_pictures_only_what_is_all_but_equal_is_a_copy():
    few = [face(k, "fear") for k in range(4)]
    assert find_pairs(Pictures.from_arrays(few)).pairs.empty
    few.append(np.ascontiguousarray(few[2][:, ::-1]))
    pairs = find_pairs(Pictures.from_arrays(few)).pairs
    assert pairs[["one", "other"]].to_numpy().tolist() == [[2, 4]]


def test_the_same_file_is_a_pair_however_plain():
    white = np.full((30, 30), 255, np.uint8)
    pairs = find_pairs(Pictures.from_arrays([white]), Pictures.from_arrays([white])).pairs
    assert pairs.kind.tolist() == ["same file"]
    assert pairs.probability.tolist() == [1.0]


def test_progress_reaches_the_end():
    seen = []
    pictures = Pictures.from_arrays([texture(k) for k in range(15)])
    find_pairs(pictures, progress=lambda *step: seen.append(step))
    assert ("searching", 15, 15) in seen
    assert ("comparing", 15, 15) in seen
