"""Training: what is known to be true is found, what is not there is not, and the same run gives the same bits."""

import numpy as np
import pytest

from emoclass import losses, models
from emoclass.augment import Copies
from emoclass.backend import keras
from emoclass.data.cartoon import Drawing, draw
from emoclass.labels import EMOTIONS
from emoclass.scores import wilson
from emoclass.train import parts, train
from emoclass.variant import Variant

EASY = Drawing(
    counts=(40,) * 8, person=0.2, pose=0.5, film=0.0, noise=0.0, intensity=(1.0, 1.0), photos_per_person=(1, 1)
)
SMALL = Variant("small", net=models.Net(blocks=((4,),), dense=(16,)), n_folds=2, epochs=2)


@pytest.fixture(scope="module")
def easy():
    return draw(EASY, size=24)


@pytest.fixture(scope="module")
def few():
    return draw(Drawing(counts=(6,) * 8), size=12)


def accuracy(run, faces):
    truth = faces.table.set_index("photo").emotion[run.parent]
    return wilson((np.array(EMOTIONS)[run.probabilities.argmax(1)] == truth).sum(), len(truth))


def with_random_labels(faces, seed=0):
    shuffled = np.random.default_rng(seed).permutation(faces.table.emotion)
    return type(faces)(faces.pixels, faces.table.assign(emotion=shuffled), "random labels")


def test_easy_drawn_faces_are_told_apart(easy):
    run = train(Variant("easy", epochs=30, batch=16, n_folds=4), easy)
    assert accuracy(run, easy).value > 0.95


def test_random_labels_are_learnt_by_nobody_who_is_tested_honestly(easy):
    faces = with_random_labels(easy)
    found = accuracy(train(Variant("honest", epochs=15, batch=16, n_folds=2), faces), faces)
    assert found.low < 1 / 8 < found.high


def test_random_labels_seem_to_be_learnt_where_copies_stand_on_both_sides():
    different = draw(Drawing(counts=(10,) * 8, photos_per_person=(1, 1), noise=0.0), size=24)
    faces = with_random_labels(different)
    copies = Copies(to=60, of=EMOTIONS, rotation=3, shift=0.02, zoom=0.02, flip=False)
    leaky = Variant(
        "leaky", epochs=30, batch=16, n_folds=2, copies=copies, order="copy-split", by="photo", allow_leak=True
    )
    assert accuracy(train(leaky, faces), faces).low > 2 / 8
    honest = leaky.replace(order="split-copy", by="duplicate", allow_leak=False)
    found = accuracy(train(honest, faces), faces)
    assert found.low < 1 / 8 < found.high


def test_the_same_run_gives_the_same_bits_and_another_seed_does_not(few):
    one, again, other = train(SMALL, few), train(SMALL, few), train(SMALL, few, seed=1)
    assert one.probabilities.tobytes() == again.probabilities.tobytes()
    assert all((a == b).all() for a, b in zip(one.weights, again.weights))
    assert one.history == again.history
    assert one.probabilities.tobytes() != other.probabilities.tobytes()


def test_the_weights_kept_are_those_of_the_best_epoch(few):
    variant = SMALL.replace(epochs=12, learning_rate=0.03)  # too fast, so that the last epoch is not the best
    run = train(variant, few)
    everything, dealt = parts(variant, few, 0)
    net = models.build(variant.net, few.size)
    net.set_weights(run.weights)
    logits = net.predict(everything.pixels[dealt.validation][..., None], verbose=0)
    loss = losses.cross_entropy(np.ones(8))(everything.labels[dealt.validation], logits)
    assert float(loss) == pytest.approx(min(run.history["val_loss"]), rel=1e-4)
    assert run.best_epoch == 1 + int(np.argmin(run.history["val_loss"]))


def test_every_photo_is_tested_once_over_the_folds(few):
    tested = [photo for fold in SMALL.folds for photo in train(SMALL, few, fold).photo]
    assert sorted(tested) == sorted(few.table.photo)


def test_copies_made_after_the_split_join_the_training_part_alone(few):
    variant = SMALL.replace(copies=Copies(to=9))
    everything, dealt = parts(variant, few, 0)
    copies = everything.is_copy
    assert copies[dealt.train].any()
    assert not copies[dealt.validation].any() and not copies[dealt.test].any()
    kept = set(everything.table.parent[dealt.train])
    assert not kept & set(everything.table.parent[dealt.test])
    assert not kept & set(everything.table.parent[dealt.validation])


def test_copies_made_before_the_split_are_tested_too_and_the_run_says_so(few):
    variant = SMALL.replace(copies=Copies(to=9), order="copy-split", by="photo", allow_leak=True)
    run = train(variant, few)
    assert (run.photo != run.parent).any()
    assert run.in_training["parent"].any()
    assert not train(SMALL, few).in_training["parent"].any()


def test_both_orders_hold_the_very_same_pictures(few):
    before = SMALL.replace(copies=Copies(to=9), order="copy-split", by="photo", allow_leak=True)
    after = SMALL.replace(copies=Copies(to=9))
    (one, _), (other, _) = parts(before, few, 0), parts(after, few, 0)
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
