"""What belongs together stays on one side of a split, or the split is refused."""

from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

import emoclass.splits as module
from emoclass.augment import OfflineAugmentation, with_copies
from emoclass.data.subjects import read_off
from emoclass.errors import InputError, LeakError, listed
from emoclass.labels import EMOTIONS
from emoclass.splits import (
    GROUP_KEYS,
    GROUP_NAMES,
    Split,
    assign_folds,
    check_no_leakage,
    connected,
    group_ids,
    in_training,
    make_fold,
    stratified_parts,
)

HONEST = ("photo", "duplicate", "subject", "source")
KNOWN = ("parent", "duplicate_id", "near_duplicate_id", "subject", "source")
PICTURE = KNOWN[:3]
NEVER_TORN = {"photo": PICTURE, "duplicate": PICTURE, "subject": KNOWN[:4], "source": KNOWN[:4]}
FOLDS = 3


# Now and then one row takes over what another has, near it or anywhere: a parent, a picture, a subject.
near = st.integers(0, 55).flatmap(lambda row: st.tuples(st.just(row), st.integers(row, row + 4)))
anywhere = st.tuples(st.integers(0, 59), st.integers(0, 59))
keys = st.sampled_from(KNOWN[:4])
links = st.lists(st.tuples(near, keys), max_size=30) | st.lists(
    st.tuples(anywhere, keys), max_size=200
)
emotions = st.permutations(["happiness"] * 30 + ["neutral"] * 25 + ["fear"] * 5)


# 24 rows, each column of which has few words or many, whatever the others have.
few_words = st.lists(st.integers(0, 3), min_size=24, max_size=24)
some_words = st.lists(st.integers(0, 30), min_size=24, max_size=24)
many_words = st.permutations(range(24))
tables = st.fixed_dictionaries({key: many_words | some_words | few_words for key in KNOWN})


def linked(faces_of, links, emotions):
    """60 faces, each of another subject but for the links, from three sources."""
    columns = {key: list(range(60)) for key in KNOWN[:4]}
    for (row, other), key in links:
        columns[key][row] = columns[key][other]
    return faces_of(emotion=emotions, source=np.repeat(["news", "film", "web"], 20), **columns)


def parts(faces, by, fold=0, **how):
    """(n,) int: 0 train, 1 validation, 2 test; every row must be in exactly one of them."""
    sides = make_fold(faces, by, fold, FOLDS, **how)
    part = np.full(len(faces), -1)
    for number, rows in enumerate((sides.train, sides.validation, sides.test)):
        assert (part[rows] == -1).all() and len(np.unique(rows)) == len(rows)
        part[rows] = number
    assert (part >= 0).all()
    return part


@contextmanager
def unchecked():
    """Splits made meanwhile are refused by nobody, and remembered by nobody afterwards."""
    for cache in (module._folds, module._parts):
        cache.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "check_no_leakage", lambda *_, **__: None)
        yield
    for cache in (module._folds, module._parts):
        cache.cache_clear()


def crossing(table, part, key):
    """The values of a column that occur in more than one part."""
    return sorted(
        word for word, rows in table.groupby(key).groups.items() if len(set(part[rows])) > 1
    )


# the promise


@pytest.mark.parametrize("by", HONEST)
@settings(max_examples=25)
@given(links=links, emotions=emotions, seed=st.integers(0, 3))
def test_nothing_that_belongs_together_is_ever_torn_unless_the_split_is_refused(
    faces_of, by, links, emotions, seed
):
    faces = linked(faces_of, links, emotions)
    try:
        part = parts(faces, by, seed=seed)
    except LeakError:
        assert by == "photo"  # the wider protocols leave nothing to refuse
        return
    except InputError:
        assert len(np.unique(group_ids(faces.table, by))) < (2 if by == "source" else FOLDS)
        return
    assert set(part) == {0, 1, 2}
    for key in NEVER_TORN[by]:
        assert crossing(faces.table, part, key) == []


@pytest.mark.parametrize("by", HONEST)
@settings(max_examples=100)
@given(
    columns=tables, emotions=st.permutations(["happiness"] * 12 + ["neutral"] * 9 + ["fear"] * 3)
)
def test_of_any_table_nothing_is_torn_and_what_would_be_is_refused_by_name(
    faces_of, by, columns, emotions
):
    faces = faces_of(emotion=emotions, **columns)
    keys = NEVER_TORN[by]
    try:
        with unchecked():
            folds, part = assign_folds(faces.table, by, FOLDS), parts(faces, by)
    except InputError as error:
        assert len(np.unique(group_ids(faces.table, by))) < FOLDS or "too few photos" in str(error)
        return
    would_be = [
        (key, names)
        for rows in (folds, part)
        for key in keys
        if (names := crossing(faces.table, rows, key))
    ]
    try:
        kept = parts(faces, by)
    except LeakError as error:
        key, names = would_be[0]
        named = f"{len(names)} x the same {GROUP_NAMES[key]} on both sides: {listed(names, 8)};"
        assert by == "photo" and named in str(error)
    else:
        assert not would_be and np.array_equal(kept, part)
        assert not any(crossing(faces.table, kept, key) for key in keys)


@pytest.mark.parametrize("by", HONEST)
def test_the_promise_is_kept_on_synthetic_faces_and_their_copies(drawn, by):
    faces = with_copies(drawn, OfflineAugmentation(target_count=18, classes=("fear", "contempt")))
    for seed in range(3):
        part = parts(faces, by, seed=seed, allow_leak=by == "photo")
        keys = ("parent",) if by == "photo" else NEVER_TORN[by]
        assert set(part) == {0, 1, 2}
        assert not any(crossing(faces.table, part, key) for key in keys)


@pytest.mark.parametrize("by", [*HONEST, "row"])
def test_each_photo_is_tested_exactly_once(drawn, by):
    folds = range(len(np.unique(group_ids(drawn.table, by))) if by == "source" else FOLDS)
    tests = [make_fold(drawn, by, fold, FOLDS, allow_leak=True).test for fold in folds]
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(drawn)))
    assert all(len(test) for test in tests)


@settings(max_examples=25)
@given(links=links, emotions=emotions, by=st.sampled_from(["row", "photo", "duplicate", "subject"]))
def test_folds_are_numbered_from_nought_and_every_row_has_one(faces_of, links, emotions, by):
    faces = linked(faces_of, links, emotions)
    assume(len(np.unique(group_ids(faces.table, by))) >= FOLDS)
    fold = assign_folds(faces.table, by, FOLDS)
    assert fold.shape == (60,) and set(fold) == set(range(FOLDS))
    assert np.array_equal(fold, assign_folds(faces.table, by, FOLDS))


# groups


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))
    )
)
def test_what_is_linked_through_any_chain_bears_one_number(case):
    n, pairs = case
    reached = np.eye(n, dtype=bool)
    for one, other in pairs:
        reached[one, other] = reached[other, one] = True
    for _ in range(n):
        reached = reached @ reached
    one, other = np.array(pairs, int).reshape(-1, 2).T
    number = connected(n, one, other)
    assert number.shape == (n,) and np.array_equal(number[:, None] == number, reached)


def test_two_subjects_who_share_a_picture_are_one_group(faces_of):
    table = faces_of(
        subject=["A", "A", "B", "B", "C"], duplicate_id=["1", "2", "2", "3", "4"]
    ).table
    assert group_ids(table, "subject").tolist() == [0, 0, 0, 0, 1]
    assert group_ids(table, "duplicate").tolist() == [0, 1, 1, 2, 3]
    assert group_ids(table, "photo").tolist() == group_ids(table, "row").tolist() == [0, 1, 2, 3, 4]


def test_a_source_takes_along_the_subjects_whom_another_source_shows_too(faces_of):
    table = faces_of(subject=["A", "A", "B", "C"], source=["news", "film", "film", "web"]).table
    assert group_ids(table, "source").tolist() == [0, 0, 0, 1]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(*[st.integers(0, 5)] * 5), min_size=1, max_size=8),
    st.sampled_from(list(GROUP_KEYS)),
)
def test_groups_are_the_chains_of_rows_that_share_something(faces_of, rows, by):
    columns = dict(zip(KNOWN, zip(*rows)))
    table = faces_of(**columns).table
    reached = np.eye(len(table), dtype=bool)
    for key in GROUP_KEYS[by]:
        reached |= table[key].to_numpy()[:, None] == table[key].to_numpy()
    for _ in rows:
        reached = reached @ reached
    group = group_ids(table, by)
    assert np.array_equal(group[:, None] == group, reached)


# the check


@pytest.mark.parametrize("by, key", [(by, key) for by in HONEST for key in NEVER_TORN[by]])
def test_whatever_is_torn_is_named_and_counted(faces_of, by, key):
    faces = faces_of(**{key: ["Ann", "Bob", "Ann", "Bob", "Cid"]})
    with pytest.raises(LeakError) as caught:
        check_no_leakage(faces.table, np.array([0, 0, 1, 2, 2]), by)
    message = str(caught.value)
    assert message.startswith(
        f"split by {by}: 2 x the same {GROUP_NAMES[key]} on both sides: Ann, Bob;"
    )
    assert "allow_leak=True" in message and "\n" not in message


def test_eight_are_named_and_the_rest_counted(faces_of):
    faces = faces_of(duplicate_id=[*range(11)] * 2)
    with pytest.raises(LeakError, match=r"11 x .*: 0, 1, 10, 2, 3, 4, 5, 6 and 3 more;"):
        check_no_leakage(faces.table, np.repeat([0, 1], 11), "duplicate")


def test_what_passes_is_a_subject_torn_where_only_photos_are_kept_together_or_a_row_in_no_part(
    faces_of,
):
    table = faces_of(subject=["Ann", "Ann"]).table
    for by in ("row", "photo", "duplicate"):
        check_no_leakage(table, np.array([0, 1]), by)
    check_no_leakage(table, np.array([0, -1]), "subject")


def test_what_a_test_row_has_in_common_with_the_training_part_alone_is_told_for_each_key(faces_of):
    faces = faces_of(
        parent=["a", "a", "b", "c"], subject=["Ann", "Bob", "Ann", "Cid"], source=["web", "web", "film", "web"],
        duplicate_id=[0, 1, 2, 2], near_duplicate_id=[0, 1, 2, 0],
    )  # fmt: skip
    split = Split(train=np.array([0]), validation=np.array([2]), test=np.array([1, 3]))
    assert {key: shared.tolist() for key, shared in in_training(faces.table, split).items()} == {
        "parent": [True, False],
        "duplicate_id": [False, False],
        "near_duplicate_id": [False, True],
        "subject": [False, False],
        "source": [True, True],
    }


@pytest.fixture
def pictures_under_two_names(faces_of):
    return faces_of(duplicate_id=[*range(30)] * 2)


@pytest.fixture
def forgotten():
    """Splits made in this test are remembered by no other."""
    yield
    module._folds.cache_clear()
    module._parts.cache_clear()


def test_near_duplicates_are_refused_by_photo_and_kept_together_by_all_that_is_wider(faces_of):
    faces = faces_of(near_duplicate_id=[*range(30)] * 2)  # each a file and a subject of its own
    with pytest.raises(
        LeakError, match="x the same picture, newly cut or toned on both sides: 0, 1, "
    ):
        make_fold(faces, "photo", n_folds=FOLDS)
    with unchecked():
        assert crossing(faces.table, parts(faces, "photo"), "near_duplicate_id")
    for by in ("duplicate", "subject"):
        part = parts(faces, by)
        assert set(part) == {0, 1, 2} and not crossing(faces.table, part, "near_duplicate_id")


def test_a_leak_into_the_validation_part_alone_is_refused_too(
    pictures_under_two_names, forgotten, monkeypatch
):
    monkeypatch.setattr(
        module, "_validation", lambda table, by, seed: np.arange(len(table)) < len(table) / 2
    )
    with pytest.raises(LeakError, match="20 x the same file under several names"):
        make_fold(pictures_under_two_names, "duplicate", n_folds=FOLDS)


def test_copies_split_like_photos_are_refused_unless_the_leak_is_meant(drawn):
    faces = with_copies(drawn, OfflineAugmentation(target_count=12, classes=("fear",)))
    with pytest.raises(LeakError, match="x the same photo and its copies on both sides"):
        make_fold(faces, "row", n_folds=FOLDS)
    part = parts(faces, "row", allow_leak=True)
    assert crossing(faces.table, part, "parent")


def test_a_refusal_is_not_forgotten_once_the_leak_was_allowed(drawn):
    faces = with_copies(drawn, OfflineAugmentation(target_count=12, classes=("contempt",)))
    make_fold(faces, "row", n_folds=FOLDS, allow_leak=True)
    for _ in range(2):
        with pytest.raises(LeakError):
            make_fold(faces, "row", n_folds=FOLDS)


# how photos are split


def test_emotions_with_fewer_photos_than_folds_are_all_named(faces_of):
    faces = faces_of(emotion=["fear"] * 3 + ["contempt"] * 4 + ["neutral"] * 5)
    with pytest.raises(InputError, match=r"fewer photos than the 5 folds: ") as caught:
        make_fold(faces, n_folds=5)
    assert "fear (3)" in str(caught.value) and "contempt (4)" in str(caught.value)
    assert "neutral" not in str(caught.value)


def test_fewer_subjects_than_folds_are_refused_with_both_numbers(faces_of):
    faces = faces_of(subject=np.repeat(["Ann", "Bob", "Cid"], 10))
    with pytest.raises(InputError, match=r"split by subject: 3 .* too few for 5 folds"):
        make_fold(faces, n_folds=5)
    assert len(make_fold(faces, n_folds=3).test) == 10


def test_a_fold_that_leaves_nobody_to_train_on_is_refused(faces_of):
    with pytest.raises(InputError, match="too few photos"):
        make_fold(faces_of(photo=range(40)), "source")


@pytest.mark.filterwarnings("ignore:The least populated class")
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(2, 8), st.floats(0.05, 1))
def test_parts_are_to_the_row_those_of_scikit_learn(seed, n_parts, n_emotions, own):
    random = np.random.default_rng(seed)
    emotion = random.choice(n_emotions, 300, p=random.dirichlet(np.ones(n_emotions)))
    group = random.integers(0, np.ceil(300 * own), 300)
    n_parts = min(n_parts, len(np.unique(group)), np.bincount(emotion).max())
    assume(len(np.unique(emotion)) > 1)
    theirs = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed).split(
        group, emotion, group
    )
    found = stratified_parts(emotion, group, n_parts, seed)
    assert all(
        (np.flatnonzero(found == part) == test).all() for part, (_, test) in enumerate(theirs)
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "columns", [{"emotion": np.repeat(EMOTIONS, 8)}, {"subject": np.repeat([*"abcdefg"], 8)}]
)
def test_few_photos_or_subjects_are_split_all_the_same(faces_of, columns):
    assert set(parts(faces_of(**columns), "subject")) == {0, 1, 2}


def test_an_unknown_protocol_is_refused_with_those_there_are(drawn):
    with pytest.raises(
        InputError, match="'name' are unknown; choose one of row, photo, duplicate, subject, source"
    ):
        make_fold(drawn, group_by="name")


def test_the_same_seed_gives_the_same_folds_and_another_seed_others(drawn):
    again, other = (assign_folds(drawn.table, "subject", FOLDS, seed) for seed in (0, 1))
    assert np.array_equal(assign_folds(drawn.table, "subject", FOLDS), again)
    assert not np.array_equal(again, other)
    assert not np.array_equal(parts(drawn, "subject", seed=0), parts(drawn, "subject", seed=1))
    backwards = drawn.select(np.arange(len(drawn))[::-1])  # are other photos, also to the cache
    assert not np.array_equal(parts(drawn, "subject"), parts(backwards, "subject"))


@pytest.mark.parametrize("by", ["row", "photo", "duplicate", "subject"])
def test_validation_is_drawn_with_the_seed_also_where_the_test_part_stays(
    faces_of, by, monkeypatch
):
    """Folds held still: what changes with the seed is the validation part alone."""
    faces = faces_of(
        emotion=["happiness", "neutral", "fear"] * 30, photo=[f"{by} {k}" for k in range(90)]
    )
    fold_of = np.arange(90) // 3 % FOLDS
    monkeypatch.setattr(module, "assign_folds", lambda table, group_by, n_folds, seed: fold_of)
    splits = [make_fold(faces, by, 0, FOLDS, seed) for seed in range(6)]
    for split in splits:
        assert np.array_equal(split.test, splits[0].test)
    drawn = {tuple(split.validation) for split in splits}
    assert len(drawn) == len(splits)
    again = make_fold(faces_of(emotion=faces.table.emotion), by, 0, FOLDS, 5)
    assert np.array_equal(again.validation, splits[5].validation)


def test_a_given_test_part_stays_and_validation_is_drawn_with_the_seed(faces_of):
    faces = faces_of(
        emotion=["happiness", "neutral", "fear"] * 20, split=["train"] * 45 + ["test"] * 15
    )
    splits = [make_fold(faces, "given", seed=seed) for seed in range(6)]
    assert all(split.test.tolist() == [*range(45, 60)] for split in splits)
    assert len({tuple(split.validation) for split in splits}) == len(splits)


def test_photos_whose_names_tell_nobody_are_each_of_somebody_else_and_free_to_be_on_either_side(
    faces_of,
):
    """Six people with eight photos each, and four photos without a name: four subjects, not one."""
    photo = [f"{name} {k}.jpg" for name in "Ann Bob Cid Dan Eve Fay".split() for k in range(8)]
    photo += [f"{k}.jpg" for k in range(9001, 9005)]
    emotion = ["fear", "anger", "neutral", "happiness"] * 13
    photo = pd.Series(photo)
    subject, _ = read_off(photo, pd.Series(emotion), np.zeros((0, 2), int))
    assert subject[:48].nunique() == 6
    assert subject[48:].tolist() == photo[48:].tolist()
    table = faces_of(photo=photo.tolist(), emotion=emotion, subject=subject.tolist()).table
    assert len(np.unique(group_ids(table, "subject"))) == 10


def test_emotions_are_spread_evenly_over_the_folds(faces_of):
    counts = {"contempt": 9, "fear": 21, "neutral": 50}
    table = faces_of(emotion=[e for e, n in counts.items() for _ in range(n)]).table
    fold = assign_folds(table, "subject", 5)
    assert np.ptp(np.bincount(fold)) <= 2
    for emotion in counts:
        by_fold = np.bincount(fold[table.emotion == emotion], minlength=5)
        assert by_fold.max() - by_fold.min() <= 1


def test_validation_is_one_photo_in_nine_of_those_not_tested(faces_of):
    faces = faces_of(emotion=["happiness"] * 90 + ["neutral"] * 45)
    part = parts(faces, "subject")
    assert np.bincount(part).tolist() == [80, 10, 45]
    happy = np.bincount(part[faces.table.emotion == "happiness"])
    assert abs(happy[1] - 10 * 2 / 3) < 1


@pytest.mark.parametrize("smallest", [2, 25])
def test_by_source_the_folds_are_the_sources_the_largest_first(faces_of, smallest):
    sizes = {"film": 30, "web": smallest, "newspaper": 50}
    faces = faces_of(source=[source for source, n in sizes.items() for _ in range(n)])
    tested = [set(faces.table.source[make_fold(faces, "source", fold).test]) for fold in range(3)]
    assert tested == [{"newspaper"}, {"film"}, {"web"}]
    sides = make_fold(faces, "source", 0)
    assert len(sides.test) == 50 and len(sides.train) + len(sides.validation) == smallest + 30


def test_parts_are_positions_in_rising_order(drawn):
    sides = make_fold(drawn, n_folds=FOLDS)
    for rows in (sides.train, sides.validation, sides.test):
        assert rows.dtype == np.int64 and (np.diff(rows) > 0).all() and len(rows)
    for one, other in combinations((sides.train, sides.validation, sides.test), 2):
        assert not np.intersect1d(one, other).size


def test_a_fold_that_is_not_there_is_refused(drawn):
    with pytest.raises(InputError, match="there is no fold 2, only 2"):
        make_fold(drawn, "source", fold=2)


# a split that somebody brought along


def as_given(faces, parts):
    return replace(
        faces, table=faces.table.assign(split=[parts[k % len(parts)] for k in range(len(faces))])
    )


def test_a_given_split_is_taken_as_it_is(drawn):
    faces = as_given(drawn, ["train", "train", "validation", "test", ""])
    split = make_fold(faces, "given", allow_leak=True)
    for part, rows in (
        ("train", split.train),
        ("validation", split.validation),
        ("test", split.test),
    ):
        assert rows.tolist() == np.flatnonzero(faces.table.split == part).tolist()
    other = as_given(
        drawn, ["test", "train", "train", "train", "train"]
    )  # the same faces but for the split
    assert other == faces and len(make_fold(other, "given", allow_leak=True).test) == -(
        -len(drawn) // 5
    )


def test_without_a_validation_part_some_of_training_is_set_aside(drawn):
    split = make_fold(as_given(drawn, ["train", "train", "test"]), "given", allow_leak=True)
    assert 0 < len(split.validation) < len(split.train) and len(split.test) == len(drawn) // 3
    subject = drawn.table.subject.to_numpy()
    assert not set(subject[split.train]) & set(subject[split.validation])


def test_a_given_split_that_tears_a_photo_from_its_copy_is_refused(drawn):
    torn = as_given(drawn, ["train", "test", "train"])
    with pytest.raises(
        LeakError, match="split by given: 1 x the same file under several names on both sides"
    ):
        make_fold(torn, "given")
    assert len(make_fold(torn, "given", allow_leak=True).test)


@pytest.mark.parametrize("parts", [["train"], ["test"], [""], ["validation", "train"]])
def test_a_given_split_needs_training_and_test(drawn, parts):
    with pytest.raises(InputError, match="split as given: it has one fold, 0, and needs"):
        make_fold(as_given(drawn, parts), "given")
    with pytest.raises(InputError, match="one fold, 0"):
        make_fold(as_given(drawn, ["train", "test"]), "given", fold=1)
