"""Training: what is known to be true is found, what is not there is not, and the same run gives the same bits."""

from dataclasses import replace
from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from emoclass import losses, metrics, models
from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.backend import keras
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, LeakError
from emoclass.labels import EMOTIONS
from emoclass.metrics import wilson
from emoclass.splits import GROUP_NAMES, Split, group_ids
from emoclass.study import train as training
from emoclass.study.pooled import concat_folds
from emoclass.study.samples import make_split, select_samples
from emoclass.study.train import as_run, fit, train
from emoclass.variant import ROLES, Optimizer, Variant

EASY = SyntheticConfig(
    counts=(40,) * 8, film=0.0, noise=0.0, intensity=(1.0, 1.0), photos_per_subject=(1, 1)
)
SMALL = Variant("small", net=models.ConvNet(blocks=((4,),), dense=(16,)), n_folds=2, epochs=2)


@pytest.fixture(scope="module")
def easy():
    return draw(EASY, size=24)


@pytest.fixture(scope="module")
def few():
    return draw(SyntheticConfig(counts=(6,) * 8), size=12)


@pytest.fixture(scope="module")
def alone():
    """Each subject has one photo, so that nothing but the seed decides the order in which they are dealt."""
    return draw(SyntheticConfig(counts=(6,) * 8, photos_per_subject=(1, 1)), size=12)


def accuracy(run, faces):
    predictions_list = concat_folds([run], faces)
    return wilson((predictions_list.y_pred == predictions_list.y_true).sum(), len(predictions_list))


def test_easy_drawn_faces_are_told_apart(easy):
    run = train(Variant("easy", epochs=30, batch_size=16, n_folds=4), easy)
    assert accuracy(run, easy).value > 0.85


@pytest.mark.parametrize(
    "batch_size", [2, 16]
)  # of the first so many batches that several are one execution
def test_each_epoch_has_an_order_of_its_own(easy, monkeypatch, batch_size):
    make, seen = (
        training._batches,
        [],
    )  # Keras's own shuffle deals the same order each time where ops are deterministic

    def noted(variant, pictures, labels, rows, seed):
        batches = make(variant, pictures, labels, rows, seed)
        kind = type(batches)
        monkeypatch.setattr(
            kind, "__getitem__", lambda self, k, get=kind.__getitem__: note(self, k) or get(self, k)
        )
        return batches

    def note(batches, k):
        seen.append(batches.order[k * batch_size : (k + 1) * batch_size])

    monkeypatch.setattr(training, "_batches", noted)
    run = train(SMALL.replace(batch_size=batch_size, epochs=3), easy)
    epochs = np.concatenate(seen)[-3 * run.rows[0] :].reshape(
        3, -1
    )  # before them Keras may look at one batch
    assert all((np.sort(epoch) == np.sort(epochs[0])).all() for epoch in epochs)
    assert all((one != other).any() for one, other in combinations(epochs, 2))


WIDE = models.ConvNet(blocks=((8,),), dense=(128,))
RANDOM = Variant(
    "random",
    net=WIDE,
    target="permuted",
    epochs=20,
    batch_size=16,
    learning_rate=0.003,
    n_folds=2,
    checkpoint="last",
)
SLIGHT = OfflineAugmentation(
    per_image=5, classes=EMOTIONS, rotation=3, shift=0.02, zoom=0.02, flip=False
)


def test_random_emotions_are_learnt_by_nobody_who_is_tested_honestly(easy):
    found = accuracy(train(RANDOM.replace(epochs=15), easy), easy)
    assert found.low < 1 / 8 < found.high


@pytest.fixture(scope="module")
def different():
    return draw(
        SyntheticConfig(counts=(10,) * 8, photos_per_subject=(2, 2), film=0.0, noise=0.0), size=24
    )


def test_random_emotions_seem_to_be_learnt_where_copies_stand_on_both_sides(different):
    leaky = RANDOM.replace(
        offline_augmentation=SLIGHT, augment_first=True, group_by="photo", allow_leak=True
    )
    assert accuracy(train(leaky, different), different).low > 2 / 8


@pytest.mark.parametrize("by", ["duplicate", pytest.param("subject", marks=pytest.mark.soak)])
def test_with_copies_made_after_the_split_random_emotions_are_back_at_chance(different, by):
    variant = RANDOM.replace(offline_augmentation=SLIGHT, group_by=by)
    runs = [train(variant, different, fold) for fold in variant.folds]
    assert all(run.history["accuracy"][-1] > 0.8 for run in runs)  # learnt by heart, and of no use
    predictions = concat_folds(runs, different)
    found = wilson((predictions.y_pred == predictions.y_true).sum(), len(predictions))
    assert found.low < 1 / 8 < found.high


# what is asked


@settings(max_examples=50)
@given(
    duplicate_id=st.lists(st.integers(0, 30), min_size=40, max_size=40),
    near_duplicate_id=st.lists(st.integers(0, 30), min_size=40, max_size=40),
    seed=st.integers(0, 5),
)
def test_random_emotions_are_dealt_anew_one_to_each_family(
    faces_of, duplicate_id, near_duplicate_id, seed
):
    faces = faces_of(
        emotion=list(EMOTIONS) * 5, duplicate_id=duplicate_id, near_duplicate_id=near_duplicate_id
    )
    chosen = select_samples(RANDOM, faces, seed)
    assert np.array_equal(chosen.pixels, faces.pixels)
    assert chosen.table.drop(columns="emotion").equals(faces.table.drop(columns="emotion"))
    family = group_ids(faces.table, "duplicate")
    one_each = [
        table.emotion.groupby(family).agg(["first", "nunique"])
        for table in (chosen.table, faces.table)
    ]
    assert (one_each[0]["nunique"] == 1).all()
    assert sorted(one_each[0]["first"]) == sorted(one_each[1]["first"])
    assert chosen.digest == select_samples(RANDOM, faces, seed).digest


def test_of_photos_that_are_like_no_other_each_emotion_keeps_its_number(easy):
    split = [select_samples(RANDOM, easy, seed) for seed in (0, 1)]
    assert all(chosen.counts.equals(easy.counts) for chosen in split)
    agree = [np.mean(one.labels == other.labels) for one, other in combinations((easy, *split), 2)]
    assert all(0.04 < share < 0.22 for share in agree)  # 1 in 8, and not what another seed deals


def test_a_real_mix_of_emotions_is_about_kept(faces_of):
    emotion = np.repeat(["neutral", "happiness", "fear"], [500, 400, 100])
    chosen = select_samples(RANDOM, faces_of(emotion=emotion, duplicate_id=np.arange(1000) // 2))
    assert chosen.counts[["neutral", "happiness", "fear"]].tolist() == [500, 400, 100]
    chosen = select_samples(
        RANDOM, faces_of(emotion=emotion, duplicate_id=np.maximum(np.arange(1000), 20))
    )  # one family of 21
    assert chosen.counts[["neutral", "happiness", "fear"]].tolist() == pytest.approx(
        [500, 400, 100], abs=21
    )


def test_emotions_left_out_are_dealt_to_nobody(few):
    kept = ("fear", "neutral", "anger")
    chosen = select_samples(RANDOM.replace(emotions=kept), few)
    assert chosen.counts[list(kept)].tolist() == [6, 6, 6] and len(chosen) == 18
    assert set(chosen.table.photo) == set(few.table.photo[few.table.emotion.isin(kept)])


@pytest.mark.parametrize("target", ["emotion", "source"])
def test_else_the_subject_is_the_photos_as_they_are(few, target):
    assert select_samples(SMALL.replace(target=target), few, seed=1).digest == few.digest


def test_copies_are_taught_the_random_emotion_of_their_photo(few):
    for augment_first in (True, False):
        variant = RANDOM.replace(
            offline_augmentation=SLIGHT,
            augment_first=augment_first,
            group_by="photo",
            allow_leak=True,
        )
        everything, _ = make_split(variant, few, 0, seed=1)
        split = select_samples(variant, few, seed=1).table.set_index("photo").emotion
        assert len(everything) == 6 * len(few)
        assert everything.table.emotion.tolist() == split[everything.table.parent].tolist()


def test_who_is_asked_for_the_source_says_sources_and_is_judged_by_them():
    faces = draw(SyntheticConfig(counts=(6,) * 8, film=0.5, photos_per_subject=(1, 1)), size=12)
    film, left = (faces.table.source == "film").to_numpy()[:, None, None], np.arange(12) < 6
    faces = replace(
        faces, pixels=np.where(film == left, np.uint8(200), np.uint8(30)).repeat(12, axis=1)
    )
    run = train(
        Variant(
            "lit from left",
            net=models.ConvNet(),
            target="source",
            n_folds=2,
            epochs=20,
            batch_size=4,
        ),
        faces,
    )
    assert run.history["accuracy"][-1] == 1
    assert run.classes == ("film", "newspaper") and run.probabilities.shape == (len(run.photo), 2)
    assert run.probabilities.sum(1) == pytest.approx(1, abs=1e-6)
    predictions_list = concat_folds([run], faces)
    source = faces.table.set_index("photo").source
    assert [predictions_list.classes[k] for k in predictions_list.y_true] == source[
        run.photo
    ].tolist()
    assert run.y_true["test"].tolist() == predictions_list.y_true.tolist()
    assert [predictions_list.classes[k] for k in predictions_list.y_pred] == source[
        run.photo
    ].tolist()
    assert metrics.score(predictions_list)["balanced_accuracy"].value == 1
    recalls = {name: found[:4] for name, found in metrics.recall(predictions_list).items()}
    assert recalls == {
        name: wilson(n, n)[:4] for name, n in source[run.photo].value_counts().items()
    }


# after each epoch

HASTY = SMALL.replace(
    epochs=5, learning_rate=0.03
)  # too fast, so that the last epoch is not the best


@pytest.fixture(scope="module")
def hasty(few):
    return train(HASTY.replace(record_epochs=True), few)


def test_what_is_said_after_each_epoch_is_kept_where_that_is_asked_for(few, hasty):
    run = hasty
    assert (
        run.epoch_predictions.shape == (5, len(run.photo))
        and run.epoch_predictions.dtype == np.uint8
    )
    assert run.best_epoch < 5
    assert np.array_equal(run.epoch_predictions[run.best_epoch - 1], run.probabilities.argmax(1))
    assert not np.array_equal(run.epoch_predictions[-1], run.probabilities.argmax(1))
    predictions_list = concat_folds([run], few)
    assert (
        predictions_list.after_epoch(run.best_epoch).y_pred.tolist()
        == predictions_list.y_pred.tolist()
    )


def test_to_follow_a_net_changes_nothing_about_it(few):
    variant = HASTY.replace(
        net=models.ConvNet(dense=(16,), dropout=0.5), epochs=3
    )  # dropout draws at random too
    alone, followed = train(variant, few), train(variant.replace(record_epochs=True), few)
    assert (
        alone.epoch_predictions.shape == (0, len(alone.photo))
        and len(followed.epoch_predictions) == 3
    )
    assert alone.probabilities.tobytes() == followed.probabilities.tobytes()
    assert all((a == b).all() for a, b in zip(alone.weights, followed.weights))
    assert alone.history == followed.history


def test_guesses_are_places_among_all_emotions_also_where_some_are_left_out(few):
    kept = ("neutral", "sadness", "surprise")
    run = train(HASTY.replace(record_epochs=True, emotions=kept), few)
    assert set(run.epoch_predictions.ravel()) <= {EMOTIONS.index(emotion) for emotion in kept}
    assert np.array_equal(run.epoch_predictions[run.best_epoch - 1], run.probabilities.argmax(1))


# what is always so


def test_the_same_run_gives_the_same_bits_and_another_seed_does_not(few):
    one, again, other = train(SMALL, few), train(SMALL, few), train(SMALL, few, seed=1)
    assert one.probabilities.tobytes() == again.probabilities.tobytes()
    assert all((a == b).all() for a, b in zip(one.weights, again.weights))
    assert one.history == again.history
    assert one.probabilities.tobytes() != other.probabilities.tobytes()


def test_training_stops_four_epochs_after_the_best_and_keeps_it(few):
    variant = SMALL.replace(epochs=60, learning_rate=0.03)
    run = train(variant, few)
    assert run.best_epoch + 4 == len(run.history["loss"]) < 60
    alone = train(variant.replace(epochs=run.best_epoch), few)
    assert all((a == b).all() for a, b in zip(run.weights, alone.weights))


def test_the_weights_kept_are_those_of_the_best_epoch(few):
    variant = SMALL.replace(
        epochs=12, learning_rate=0.03
    )  # too fast, so that the last epoch is not the best
    run = train(variant, few)
    everything, split = make_split(variant, few, 0)
    net = models.build(variant.net, few.size)
    net.set_weights(run.weights)
    logits = net.predict(everything.pixels[split.validation][..., None], verbose=0)
    loss = losses.cross_entropy(np.ones(8))(everything.labels[split.validation], logits)
    assert float(loss) == pytest.approx(min(run.history["val_loss"]), rel=1e-4)
    assert run.best_epoch == 1 + int(np.argmin(run.history["val_loss"]))


def test_every_photo_is_tested_once_over_the_folds(few):
    tested = [photo for fold in SMALL.folds for photo in train(SMALL, few, fold).photo]
    assert sorted(tested) == sorted(few.table.photo)


def test_copies_made_after_the_split_join_the_training_part_alone(few):
    variant = SMALL.replace(offline_augmentation=OfflineAugmentation(per_image=1, classes=EMOTIONS))
    everything, split = make_split(variant, few, 0)
    copies, parent = everything.is_copy, everything.table.parent.to_numpy()
    assert set(parent[copies]) == set(
        few.table.photo
    )  # those of validation and test photos are there, and left out
    assert set(parent[split.train][copies[split.train]]) == set(parent[split.train])
    for part in (split.validation, split.test):
        assert not copies[part].any() and not set(parent[split.train]) & set(parent[part])


def test_copies_made_first_are_tested_too_and_each_stays_with_its_family(few):
    whole = SMALL.replace(
        offline_augmentation=OfflineAugmentation(target_count=9),
        augment_first=True,
        group_by="duplicate",
    )
    everything, split = make_split(whole, few, 0)
    family = group_ids(everything.table, "duplicate")
    for part in vars(split).values():
        assert everything.is_copy[part].any()
    assert not set(family[split.test]) & set(family[np.r_[split.train, split.validation]])
    assert not set(family[split.train]) & set(family[split.validation])
    leaky = make_split(whole.replace(group_by="photo", allow_leak=True), few, 0)[0]
    assert leaky.digest == everything.digest  # the very same pictures
    tested = np.concatenate([make_split(whole, few, fold)[1].test for fold in whole.folds])
    assert sorted(tested) == list(range(len(everything)))


def test_a_split_that_would_tear_a_family_is_refused_whatever_the_roles(few):
    photos = few.table.photo.to_numpy()
    twins = replace(
        few,
        table=few.table.assign(near_duplicate_id=np.where(np.arange(len(few)) < 12, "one", photos)),
    )
    with pytest.raises(LeakError, match="split by photo: 1 x the same picture"):
        make_split(SMALL.replace(group_by="photo"), twins, 0)


@pytest.mark.parametrize("fold, seed", [(0, 0), (1, 1)])
def test_a_start_of_another_fold_or_seed_is_refused_and_so_is_another_variant(
    few, first, fold, seed
):
    variant = first.variant.replace(name="later", init_from=first.variant)
    with pytest.raises(InputError, match=r"cannot start from 'first', fold 1, seed 0"):
        train(variant, few, fold=fold, seed=seed, init_from=first)
    other = variant.replace(init_from=first.variant.replace(epochs=1))
    with pytest.raises(InputError, match="cannot start from"):
        train(other, few, fold=1, init_from=first)


def test_copies_made_before_the_split_are_tested_too_and_the_run_says_so(few):
    variant = SMALL.replace(
        offline_augmentation=OfflineAugmentation(target_count=9),
        augment_first=True,
        group_by="photo",
        allow_leak=True,
    )
    run = train(variant, few)
    assert (run.photo != run.parent).any()
    assert tuple(run.in_training) == tuple(GROUP_NAMES)
    assert run.in_training["parent"].any() and run.in_training["near_duplicate_id"].any()
    assert not train(SMALL, few).in_training["parent"].any()


def test_both_orders_hold_the_very_same_pictures(few):
    before = SMALL.replace(
        offline_augmentation=OfflineAugmentation(target_count=9),
        augment_first=True,
        group_by="photo",
        allow_leak=True,
    )
    after = SMALL.replace(offline_augmentation=OfflineAugmentation(target_count=9))
    (one, _), (other, _) = make_split(before, few, 0), make_split(after, few, 0)
    assert one.digest == other.digest


def test_emotions_left_out_are_neither_tested_nor_said(few):
    kept = tuple(emotion for emotion in EMOTIONS if emotion not in ("fear", "contempt"))
    run = train(SMALL.replace(emotions=kept), few)
    assert set(few.table.set_index("photo").emotion[run.photo]) == set(kept)
    assert (run.probabilities[:, [EMOTIONS.index("fear"), EMOTIONS.index("contempt")]] == 0).all()
    assert run.probabilities.sum(1) == pytest.approx(1, abs=1e-6)


def test_half_precision_is_switched_off_again_after_a_run(few):
    train(SMALL.replace(precision="mixed_bfloat16", epochs=1), few)
    assert keras().config.dtype_policy().name == "float32"


# sources with a role: only trained on, only tested, left out

SOURCES = ("news", "film", "web", "stage", "album")


@st.composite
def collections_and_roles(draw):
    """Faces of five sources, the first of which is always dealt out, and a variant that gives the others roles."""
    source = ["news"] * 16 + draw(st.lists(st.sampled_from(SOURCES), min_size=8, max_size=30))
    n = len(source)
    subject = [f"{name} {draw(st.integers(0, 9))}" for name in source[16:]]
    columns = {
        "emotion": list(EMOTIONS[:2]) * 8
        + draw(st.lists(st.sampled_from(EMOTIONS[:2]), min_size=n - 16, max_size=n - 16)),
        "source": source,
        "subject": [f"reader {k}" for k in range(16)] + subject,
    }
    role = {
        name: draw(st.sampled_from([*ROLES, "dealt"])) for name in SOURCES[1:] if name in source
    }
    roles = {what: tuple(name for name in role if role[name] == what) for what in ROLES}
    variant = Variant(
        "roles",
        n_folds=2,
        group_by=draw(st.sampled_from(["photo", "duplicate", "subject"])),
        train_source_repeats=draw(st.integers(1, 3)),
        offline_augmentation=draw(
            st.sampled_from(
                [
                    None,
                    OfflineAugmentation(per_image=2, classes=EMOTIONS[:1]),
                    OfflineAugmentation(target_count=30, classes=EMOTIONS[:2]),
                ]
            )
        ),
        **roles,
    )
    return columns, variant, draw(st.integers(0, 1)), draw(st.integers(0, 3))


@settings(max_examples=60)
@given(collections_and_roles())
def test_each_source_stays_in_its_role_and_the_others_are_dealt_as_if_it_were_not_there(
    faces_of, case
):
    columns, variant, fold, seed = case
    faces = faces_of(**columns)
    everything, split = make_split(variant, faces, fold, seed)
    photo, source = everything.table.photo.to_numpy(), everything.table.source.to_numpy()
    role = {name: what for what in ROLES for name in getattr(variant, what)}
    chosen = np.array([role.get(name, "dealt") for name in source])

    assert "excluded_sources" not in chosen
    assert not np.isin(chosen[split.train], ["test_sources"]).any()
    assert not np.isin(chosen[split.validation], ["test_sources", "train_sources"]).any()
    assert not np.isin(chosen[split.test], ["train_sources"]).any()

    # all of them are there: as often as they are to be repeated, or once
    taught, apart = (
        faces.table.photo[faces.table.source.isin(getattr(variant, f"{x}_sources"))]
        for x in ("train", "test")
    )
    assert sorted(photo[split.train][chosen[split.train] == "train_sources"]) == sorted(
        [*taught] * variant.train_source_repeats
    )
    assert sorted(photo[split.test][chosen[split.test] == "test_sources"]) == sorted(apart)
    assert (chosen[everything.is_copy] == "dealt").all()

    # and of the others each stands where it would without them
    without = faces.select(~faces.table.source.isin(role))
    alone, alone_dealt = make_split(
        variant.replace(train_sources=(), test_sources=(), excluded_sources=()), without, fold, seed
    )
    for part in ("train", "validation", "test"):
        here, there = getattr(split, part), getattr(alone_dealt, part)
        assert photo[here][chosen[here] == "dealt"].tolist() == alone.table.photo[there].tolist()


@pytest.fixture
def two_sources(faces_of):
    """12 photos in the news, dealt out, and 4 in films; `same` says what the first two films share, and with which."""

    def make(**same):
        columns = {
            key: [f"{key} {k}" for k in range(16)]
            for key in ("duplicate_id", "near_duplicate_id", "subject", "parent")
        }
        columns["parent"] = [f"photo {k}" for k in range(16)]
        for key, of in same.items():
            columns[key][12], columns[key][13] = columns[key][of[0]], columns[key][of[1]]
        return faces_of(
            emotion=list(EMOTIONS[:2]) * 8, source=["news"] * 12 + ["film"] * 4, **columns
        )

    return make


ROLE = Variant("role", n_folds=2)
APART, TAUGHT = {"test_sources": ("film",)}, {"train_sources": ("film",)}


def places_of(variant, faces):
    """Positions of dealt photos in the training part, the validation part and the test part of fold 0."""
    _, split = make_split(variant, faces, 0)
    return [part[part < 12] for part in (split.train, split.validation, split.test)]


@pytest.mark.parametrize(
    "roles, parts_torn", [(TAUGHT, (1, 2)), (APART, (0, 1))], ids=["only trained", "only tested"]
)
@pytest.mark.parametrize("by", ["photo", "duplicate", "subject"])
@pytest.mark.parametrize("key", ["parent", "duplicate_id", "near_duplicate_id", "subject"])
def test_a_photo_that_is_not_dealt_out_must_share_nothing_with_the_other_side(
    two_sources, key, by, roles, parts_torn
):
    variant = ROLE.replace(group_by=by, **roles)
    sides = places_of(variant, two_sources())
    for side, places in enumerate(sides):
        faces = two_sources(**{key: (places[0], places[0])})
        if side in parts_torn and not (key == "subject" and by != "subject"):
            with pytest.raises(
                LeakError, match=f"split by {by}: 1 x the same {GROUP_NAMES[key]} on both sides"
            ):
                make_split(variant, faces, 0)
            make_split(variant.replace(allow_leak=True), faces, 0)
        else:
            make_split(variant, faces, 0)


def test_by_source_too_nobody_who_is_only_trained_on_is_tested(faces_of):
    emotion, source = list(EMOTIONS[:2]) * 12, np.repeat(["news", "web", "film"], 8)
    subject = [f"subject {k}" for k in range(24)]
    variant = ROLE.replace(group_by="source", **TAUGHT)
    make_split(variant, faces_of(emotion=emotion, source=source, subject=subject), 0)
    tested = make_split(variant, faces_of(emotion=emotion, source=source, subject=subject), 0)[
        1
    ].test
    subject[20] = subject[tested[0]]
    with pytest.raises(LeakError, match="the same subject on both sides"):
        make_split(variant, faces_of(emotion=emotion, source=source, subject=subject), 0)


@pytest.mark.parametrize("key", ["duplicate_id", "near_duplicate_id", "subject"])
def test_what_is_only_trained_on_and_what_is_only_tested_share_nothing_either(faces_of, key):
    columns = {key: [f"{key} {k}" for k in range(20)]}
    columns |= {
        "emotion": list(EMOTIONS[:2]) * 10,
        "source": ["news"] * 12 + ["film"] * 4 + ["web"] * 4,
    }
    variant = ROLE.replace(train_sources=("film",), test_sources=("web",))
    make_split(variant, faces_of(**columns), 0)
    columns[key][14] = columns[key][17]
    with pytest.raises(LeakError, match=f"1 x the same {GROUP_NAMES[key]}"):
        make_split(variant, faces_of(**columns), 0)


def test_a_photo_that_stands_repeated_in_training_is_no_leak_by_itself(two_sources):
    _, split = make_split(
        ROLE.replace(train_source_repeats=3, **TAUGHT), two_sources(duplicate_id=(15, 15)), 0
    )
    assert np.bincount(split.train)[12:].tolist() == [3, 3, 3, 3]


def test_the_run_counts_photos_each_time_and_says_which_test_rows_have_their_source_in_training(
    few,
):
    source = np.where(
        np.arange(len(few)) % 6 == 0, "new", np.where(np.arange(len(few)) % 6 == 1, "else", "old")
    )
    faces, variant = (
        replace(few, table=few.table.assign(source=source)),
        ALIKE.replace(epochs=1, group_by="photo"),
    )
    run = train(
        variant.replace(train_sources=("new",), test_sources=("else",), train_source_repeats=4),
        faces,
    )
    _, alone = make_split(variant.replace(excluded_sources=("new", "else")), faces, 0)
    assert run.rows == (len(alone.train) + 4 * 8, len(alone.validation), len(alone.test) + 8)
    assert len(run.y_true["train"]) == run.rows[0]
    assert run.in_training["source"].tolist() == [True] * len(alone.test) + [False] * 8
    assert run.photo[-8:].tolist() == few.table.photo[source == "else"].tolist()


# what a run holds

ALIKE = SMALL.replace(net=models.ConvNet(dense=(8,)))
TINY = models.ResNet(stem=4, blocks=((4, 1), (8, 2)))
PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def whole(few):
    """A run that keeps all that can be kept, with two emotions left out."""
    kept = tuple(emotion for emotion in EMOTIONS if emotion not in ("disgust", "surprise"))
    return train(
        ALIKE.replace(
            net=TINY,
            emotions=kept,
            record_features=True,
            offline_augmentation=OfflineAugmentation(target_count=8),
            learning_rate=0.01,
        ),
        few,
    )


def test_the_truth_is_what_was_asked_of_each_photo_of_each_part(few, whole):
    everything, split = make_split(whole.variant, few, 0)
    for part in PARTS:
        rows = getattr(split, part)
        assert [EMOTIONS[k] for k in whole.y_true[part]] == everything.table.emotion.iloc[
            rows
        ].tolist()
    assert tuple(len(whole.y_true[part]) for part in PARTS) == whole.rows


def test_what_is_said_of_the_validation_part_is_what_the_history_judged(whole):
    assert whole.validation.shape == (whole.rows[1], 8) and whole.validation.dtype == np.float32
    assert whole.validation.sum(1) == pytest.approx(1, abs=1e-6)
    assert (whole.validation[:, [EMOTIONS.index("disgust"), EMOTIONS.index("surprise")]] == 0).all()
    at = whole.best_epoch - 1
    right = whole.validation.argmax(1) == whole.y_true["validation"]
    assert right.mean() == pytest.approx(whole.history["val_accuracy"][at], abs=1e-6)
    predicted = whole.validation[np.arange(len(right)), whole.y_true["validation"]]
    # Each output is rounded, to within 3 % in odds.
    assert -np.log(predicted).mean() == pytest.approx(whole.history["val_loss"][at], abs=0.04)


def test_the_last_layer_makes_of_the_features_what_the_run_says(whole):
    kernel, bias = whole.weights[-2:]
    kept = [k for k, emotion in enumerate(EMOTIONS) if emotion in whole.variant.emotions]
    for part, predicted in (("test", whole.probabilities), ("validation", whole.validation)):
        logits = whole.embeddings[part].astype(float) @ kernel + bias
        again = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        np.testing.assert_allclose(again, predicted[:, kept], rtol=0.07, atol=3e-3)
    assert [whole.embeddings[part].shape for part in PARTS] == [(n, 8) for n in whole.rows]
    assert all(whole.embeddings[part].dtype == np.float16 for part in PARTS)


def test_features_are_kept_only_where_they_are_asked_for_and_change_nothing(few, simple):
    assert simple.embeddings == {}
    assert (
        train(ALIKE.replace(record_features=True), few).probabilities.tobytes()
        == simple.probabilities.tobytes()
    )


def test_jitter_changes_training_and_its_net_is_then_tested_on_pictures_as_they_are(few, simple):
    run = train(ALIKE.replace(online_augmentation=OnlineAugmentation()), few)
    assert [w.shape for w in run.weights] == [w.shape for w in simple.weights]
    assert np.abs(run.weights[0] - simple.weights[0]).max() > 1e-4
    everything, split = make_split(run.variant, few, 0)
    net = models.build(run.variant.net, few.size)
    net.set_weights(run.weights)
    logits = net.predict(everything.pixels[split.test][..., None], verbose=0)
    np.testing.assert_allclose(softmax(logits, axis=1), run.probabilities, rtol=0.07)


def mirrored_in_the_test(faces, split):
    pixels = faces.pixels.copy()
    pixels[split.test] = pixels[split.test][:, :, ::-1]
    return replace(faces, pixels=pixels)


def test_two_views_are_the_mean_of_the_logits_of_both_so_that_a_mirror_changes_nothing(few, simple):
    everything, split = make_split(ALIKE, few, 0)
    in_the_mirror = mirrored_in_the_test(everything, split)
    both = ALIKE.replace(flip_tta=True)
    mirrored = as_run(ALIKE, few, 0, 0, fit(ALIKE, in_the_mirror, split))
    of_both = as_run(both, few, 0, 0, fit(both, everything, split))
    of_both_mirrored = as_run(both, few, 0, 0, fit(both, in_the_mirror, split))
    assert simple.history == mirrored.history == of_both.history
    assert np.abs(simple.probabilities - mirrored.probabilities).max() > 1e-3
    mean = (np.log(simple.probabilities.astype(float)) + np.log(mirrored.probabilities)) / 2
    np.testing.assert_allclose(of_both.probabilities, softmax(mean, axis=1), rtol=0.1)
    np.testing.assert_array_equal(of_both_mirrored.probabilities, of_both.probabilities)


@pytest.mark.parametrize("sizes", [(9, 0, 3), (9, 0, 0), (9, 3, 0)])
def test_validation_and_test_may_be_empty(few, sizes):
    split = Split(*np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:2]))
    variant = ALIKE.replace(
        checkpoint="last", record_features=True, record_epochs=True, flip_tta=True
    )
    run = as_run(variant, few, 0, 0, fit(variant, few, split))
    assert run.rows == sizes == tuple(len(run.y_true[part]) for part in PARTS)
    assert run.validation.shape == (sizes[1], 8) and run.probabilities.shape == (sizes[2], 8)
    assert run.epoch_predictions.shape == (2, sizes[2]) and len(run.photo) == sizes[2]
    assert [run.embeddings[part].shape for part in PARTS] == [(n, 8) for n in sizes]
    assert ("val_loss" in run.history) == (sizes[1] > 0)
    assert all(np.isfinite(w).all() for w in run.weights)


# what decides how it is trained


@pytest.fixture(scope="module")
def simple(few):
    return train(ALIKE, few)


WAYS = {
    "effective weights, logit-adjusted": {
        "class_weight": "effective",
        "beta": 0.5,
        "logit_adjustment_tau": 1.0,
    },
    "balanced weights, focal": {"class_weight": "balanced", "focal_gamma": 1.0, "batch_size": 7},
}


@pytest.mark.parametrize("change", WAYS.values(), ids=WAYS)
def test_the_loss_that_training_reports_is_the_one_asked_for_with_the_shares_of_its_training_part(
    few, change
):
    still = ALIKE.replace(
        epochs=1,
        checkpoint="last",
        learning_rate=1e-12,
        offline_augmentation=OfflineAugmentation(target_count=12),
        **change,
    )  # no step is made
    run = train(still, few)
    everything, split = make_split(still, few, 0)
    labels, counts = run.y_true["train"], np.bincount(run.y_true["train"], minlength=8)
    net = models.build(still.net, few.size)
    net.set_weights(run.weights)
    logits = net.predict(everything.pixels[split.train][..., None], verbose=0)
    loss = losses.cross_entropy(
        losses.class_weights(counts, still.class_weight, still.beta),
        focal_gamma=still.focal_gamma,
        logit_adjustment_tau=still.logit_adjustment_tau,
        prior=losses.log_prior(counts),
    )(labels, logits)
    assert run.history["loss"] == pytest.approx([float(loss)], rel=1e-4)
    plain = losses.cross_entropy(np.ones(8))(labels, logits)
    assert abs(float(plain) - float(loss)) > 0.01


EVERYTHING = SMALL.replace(
    net=TINY,
    class_weight="effective",
    focal_gamma=1.0,
    logit_adjustment_tau=1.0,
    sampling="balanced",
    schedule="cosine",
    batch_size=4,
    weight_decay=0.1,
    clipnorm=1.0,
    checkpoint="last",
    online_augmentation=OnlineAugmentation(),
    flip_tta=True,
    record_features=True,
)


@pytest.mark.soak
def test_with_all_settings_at_once_the_same_run_still_gives_the_same_bits(few):
    one, again = (train(EVERYTHING, few) for _ in range(2))
    assert one.probabilities.tobytes() == again.probabilities.tobytes()
    assert all((a == b).all() for a, b in zip(one.weights, again.weights))
    assert one.history == again.history and one.best_epoch == EVERYTHING.epochs


def test_the_last_epoch_is_kept_where_that_is_asked_for_and_nothing_else_changes(few, hasty):
    last = train(hasty.variant.replace(checkpoint="last"), few)
    assert last.history == hasty.history and np.array_equal(
        last.epoch_predictions, hasty.epoch_predictions
    )
    assert hasty.best_epoch < last.best_epoch == 5
    assert np.array_equal(last.epoch_predictions[-1], last.probabilities.argmax(1))


def first_weights(variant, faces):
    """What a run of fold 0 and seed 0 begins with."""
    net_seed = int(np.random.SeedSequence([0, 0]).generate_state(2)[0])
    return models.build(variant.net, faces.size, seed=net_seed).get_weights()


def test_weights_decay_but_what_normalises_and_shifts_does_not(few):
    # Steps of 1e-6 hardly move anything, and at this rate the decay halves what it is for in each of the two.
    variant = ALIKE.replace(net=TINY, checkpoint="last", learning_rate=1e-6, weight_decay=5e5)
    ones = 0
    for before, after in zip(first_weights(variant, few), train(variant, few).weights):
        if before.ndim > 1:
            np.testing.assert_allclose(after, before / 4, atol=1e-5)
        elif (before == 1).all() and np.allclose(after, 1, atol=1e-4):
            ones += 1  # gamma; the moving variance begins at 1 too, but moves
    assert ones == 6


@pytest.mark.parametrize("length", [1e-12, 1e-3])
def test_the_gradient_over_all_weights_is_clipped_to_the_length_asked_for(few, length):
    variant = ALIKE.replace(
        epochs=1, batch_size=1000, checkpoint="last", optimizer="sgd", learning_rate=1.0,
        clipnorm=length,
    )  # fmt: skip
    before = first_weights(variant, few)
    moved = 0.0
    for start, end in zip(before, train(variant, few).weights):
        moved += ((end - start) ** 2).sum(dtype=float)
    # Weights of float32 do not move by 1e-12 at all. Clipped one by one, all would move by twice the length.
    assert np.sqrt(moved) == pytest.approx(length, rel=0.01, abs=1e-7)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_each_optimizer_is_the_one_that_is_named_with_its_rate(decay):
    for name in get_args(Optimizer):
        variant = ALIKE.replace(
            optimizer=name, learning_rate=0.02, weight_decay=decay, clipnorm=3.0
        )
        made = training._optimizer(variant, steps=5)
        expected = "adam" if (name == "adamw" and not decay) else name
        assert type(made).__name__.lower() == expected
        assert float(made.learning_rate) == pytest.approx(0.02)
        assert made.global_clipnorm == 3 and made.clipnorm is None
        assert made.weight_decay == (decay or None)


class Enough(Exception):
    """What was to be seen has been seen; nothing needs to be trained for it."""


@pytest.fixture
def beginning(few, monkeypatch):
    """First weights and the first order of the photos of a run on one split, which is then not trained."""
    everything, split = make_split(ALIKE, few, 0)

    def of(seed, fold, **changes):
        found = []

        def note(net, data, **how):
            found.append((net.get_weights()[0].tobytes(), data.order.tobytes()))
            raise Enough

        monkeypatch.setattr(keras().Model, "fit", note)
        with pytest.raises(Enough):
            fit(ALIKE.replace(**changes), everything, split, fold, seed)
        return found[0]

    return of


def test_every_seed_and_fold_starts_from_other_weights_and_another_order_on_the_same_split(
    beginning,
):
    cases = [(seed, fold) for seed in (0, 1, 2) for fold in (0, 1)]
    found = {case: beginning(*case) for case in cases}
    assert len({weights for weights, _ in found.values()}) == len(cases)
    assert len({order for _, order in found.values()}) == len(cases)
    assert beginning(1, 1) == found[1, 1]


def test_online_augmentation_leaves_first_weights_and_order_as_they_are(beginning):
    assert beginning(1, 0, online_augmentation=OnlineAugmentation()) == beginning(1, 0)


def test_another_seed_has_other_folds_another_validation_part_and_other_copies(alone):
    variant = SMALL.replace(offline_augmentation=OfflineAugmentation(per_image=1, classes=EMOTIONS))
    parts = {name: set() for name in ("validation", "test")}
    pictures = set()
    for seed in (0, 1, 2):
        everything, split = make_split(variant, alone, 0, seed)
        for name, seen in parts.items():
            seen.add(tuple(everything.table.photo.iloc[getattr(split, name)]))
        pictures.add(everything.pixels[everything.is_copy].tobytes())
    assert all(len(seen) == 3 for seen in parts.values()) and len(pictures) == 3


def test_of_the_photos_that_are_not_tested_another_seed_validates_on_others(alone):
    given = np.where(np.arange(len(alone)) % 4 == 0, "test", "train")
    faces = replace(alone, table=alone.table.assign(split=given))
    variant = SMALL.replace(group_by="given")
    found = {make_split(variant, faces, 0, seed)[1].validation.tobytes() for seed in (0, 1, 2)}
    assert len(found) == 3


@pytest.fixture
def rates(few, monkeypatch):
    """The learning rate at each step, as the optimizer of a run is told."""

    def of(epochs, batch_size=7):
        variant = ALIKE.replace(
            schedule="cosine", batch_size=batch_size, learning_rate=0.02, epochs=epochs
        )
        chosen = []

        def compile_and_note(net, optimizer, **how):
            chosen.append(optimizer._learning_rate)
            raise Enough

        monkeypatch.setattr(keras().Model, "compile", compile_and_note)
        with pytest.raises(Enough):
            train(variant, few)
        steps = -(-len(make_split(variant, few, 0)[1].train) // batch_size)
        return steps, np.array([float(chosen[0](step)) for step in range(epochs * steps + 1)])

    return of


def test_the_learning_rate_rises_over_the_first_epoch_and_falls_to_zero_along_a_cosine(rates):
    steps, rate = rates(epochs=3, batch_size=3)
    assert steps == 5 and len(rate) == 16
    assert rate[0] == pytest.approx(0.0002) and rate[5] == rate.max() == pytest.approx(0.02)
    assert (np.diff(rate[:6]) > 0).all() and (np.diff(rate[5:]) < 0).all()
    np.testing.assert_allclose(rate[5:], 0.01 * (1 + np.cos(np.pi * np.arange(11) / 10)), atol=1e-6)


def test_a_cosine_of_one_epoch_is_its_rise(rates):
    _, rate = rates(epochs=1)
    assert (np.diff(rate) > 0).all() and rate[-1] == pytest.approx(0.02)


# batches


def test_in_balanced_batches_each_emotion_is_drawn_as_often_and_no_photo_is_forgotten(
    few, monkeypatch
):
    seen = []

    def look_at_batches(net, data, **how):
        assert how["shuffle"] is False and len(data) == 2
        for _ in range(200):
            seen.extend(data[k] for k in range(len(data)))
            data.on_epoch_end()
        raise Enough

    monkeypatch.setattr(keras().Model, "fit", look_at_batches)
    scarce = few.select(
        np.setdiff1d(np.arange(len(few)), np.flatnonzero(few.table.emotion == "fear")[2:])
    )
    variant = ALIKE.replace(sampling="balanced", batch_size=8, group_by="photo")
    with pytest.raises(Enough):
        train(variant, scarce)
    _, split = make_split(variant, scarce, 0)
    assert (
        np.ptp(np.bincount(scarce.labels[split.train], minlength=8)) > 0
        and 8 < len(split.train) <= 16
    )
    drawn = np.bincount(np.concatenate([labels for _, labels in seen]), minlength=8)
    assert drawn.sum() == 200 * len(split.train)  # an epoch is as long as without
    assert 0.8 < 8 * drawn.min() / drawn.sum() and 8 * drawn.max() / drawn.sum() < 1.2
    label_of = {scarce.pixels[row].tobytes(): scarce.labels[row] for row in split.train}
    chosen = {
        picture.tobytes(): label for batch, labels in seen for picture, label in zip(batch, labels)
    }
    assert chosen == label_of


@pytest.fixture(scope="module")
def lopsided():
    counts = [0] * 8
    counts[EMOTIONS.index("neutral")], counts[EMOTIONS.index("happiness")] = 90, 90
    counts[EMOTIONS.index("surprise")] = 9
    return draw(replace(EASY, counts=tuple(counts), intensity=(0.6, 1.0)), size=16)


@pytest.mark.soak
def test_balanced_batches_find_more_of_a_scarce_emotion(lopsided):
    variant = SMALL.replace(
        n_folds=2,
        epochs=15,
        checkpoint="last",
        emotions=("neutral", "happiness", "surprise"),
        batch_size=16,
    )
    recall = {}
    for sampling in ("natural", "balanced"):
        runs = [train(variant.replace(sampling=sampling), lopsided, fold) for fold in variant.folds]
        recall[sampling] = metrics.recall(concat_folds(runs, lopsided))["surprise"].value
    assert recall["balanced"] > recall["natural"] + 0.3


# a net that starts from another


@pytest.fixture(scope="module")
def first(few):
    return train(ALIKE.replace(name="first", learning_rate=0.01, epochs=3), few, fold=1)


@pytest.fixture(scope="module")
def deferred(few, first):
    variant = first.variant.replace(
        name="deferred", class_weight="balanced", epochs=2, init_from=first.variant
    )
    return train(variant, few, fold=1, init_from=first)


def test_a_deferred_net_goes_on_from_where_the_first_one_ended(few, first, deferred):
    scratch = train(deferred.variant.replace(init_from=None), few, fold=1)
    assert scratch.probabilities.tobytes() != deferred.probabilities.tobytes()
    assert deferred.history["loss"][0] < scratch.history["loss"][0]
    assert deferred.photo.tolist() == first.photo.tolist() == scratch.photo.tolist()


def test_a_deferred_net_is_the_same_bits_whether_its_start_is_handed_in_or_trained_on_the_way(
    few, deferred
):
    again = train(deferred.variant, few, fold=1)
    assert again.probabilities.tobytes() == deferred.probabilities.tobytes()
    assert all((a == b).all() for a, b in zip(again.weights, deferred.weights))


def test_a_deferred_net_that_learns_nothing_says_what_its_start_said(few, first):
    still = first.variant.replace(
        name="still", learning_rate=1e-12, epochs=1, init_from=first.variant
    )
    run = train(still, few, fold=1, init_from=first)
    np.testing.assert_array_equal(run.probabilities, first.probabilities)
    assert run.history["val_loss"][0] == pytest.approx(min(first.history["val_loss"]), rel=1e-4)


def test_what_is_tested_was_not_in_the_training_or_validation_part_of_the_start(few, deferred):
    variant = deferred.variant.replace(offline_augmentation=OfflineAugmentation(target_count=9))
    everything, split = make_split(variant, few, 0)
    before, dealt_before = make_split(variant.init_from, few, 0)
    tested = set(everything.table.parent.iloc[split.test])
    assert tested and not tested & set(before.table.parent.iloc[dealt_before.train])
    assert not tested & set(before.table.parent.iloc[dealt_before.validation])


def test_a_source_that_nobody_comes_from_is_named_with_those_there_are(few):
    with pytest.raises(InputError, match="no photo comes from flim; the sources are film"):
        make_split(ALIKE.replace(test_sources=("flim",)), few, 0)


def test_the_best_epoch_needs_a_validation_part(few):
    none = np.zeros(0, np.int64)
    with pytest.raises(
        InputError, match="without a validation part no epoch is the best; keep the last one"
    ):
        fit(ALIKE.replace(checkpoint="best"), few, Split(np.arange(len(few)), none, none))
