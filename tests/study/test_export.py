"""The model to take away says what the trained net said, opens with Keras alone, and is there whole or not at all."""

import ast
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoclass import inference, models, paths, posthoc
from emoclass.augment import OnlineAugmentation
from emoclass.backend import keras
from emoclass.data import muxspace
from emoclass.data.new_faces import HELD_BACK, LEARN
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, LeakError
from emoclass.labels import EMOTIONS
from emoclass.splits import group_ids
from emoclass.study import export, recipes, store
from emoclass.study.executed import environment
from emoclass.study.notebook import PUBLISH, Study
from emoclass.study.pooled import concat_folds

NEW = (*LEARN, HELD_BACK)
SMALL = models.ResNet(stem=4, blocks=((4, 1), (8, 2)))


def hurried(variant):
    """The same variant, soon trained, and in float32, so that numbers can be compared."""
    quick = dict(net=SMALL, precision="float32", batch_size=16, learning_rate=0.01)
    start = variant.init_from and variant.init_from.replace(epochs=2, **quick)
    return variant.replace(init_from=start, epochs=1, **quick)


BEST = hurried(recipes.final_variant())


@pytest.fixture(scope="module")
def faces():
    """64 synthetic faces of 16 pixels, and 16 new ones."""
    old = draw(SyntheticConfig(counts=(8,) * 8, photos_per_subject=(1, 2)), size=16)
    new = draw(SyntheticConfig(counts=(2,) * 8, photos_per_subject=(1, 1)), size=16, seed=7)
    named = {
        column: "new " + new.table[column]
        for column in ("photo", "subject", "parent", "duplicate_id", "near_duplicate_id")
    }
    return old + replace(
        new, table=new.table.assign(**named, source=[NEW[k % len(NEW)] for k in range(len(new))])
    )


@pytest.fixture(scope="module")
def run(faces):
    return export.train_on_everything(BEST, faces)


@pytest.fixture
def kept(run, faces, tmp_path):
    """A folder with a model in it."""
    facts = export.describe(faces, BEST, {}, {"digest": faces.digest}) | {"temperature": 0.5}
    export.save(export.as_keras(run, faces.size), facts, tmp_path / "kept")
    return tmp_path / "kept"


def number():
    return dict(value=0.5, low=0.4, high=0.6, n=9, unit="share", notebook="06_new_faces")


# what it is trained on


def test_all_but_the_validation_part_is_trained_on_the_new_faces_above_all(faces):
    everything, split = export.make_final_split(BEST, faces)
    is_new = everything.table.source.isin(NEW).to_numpy()
    often = np.bincount(split.train, minlength=len(faces))
    assert (often[is_new] == BEST.train_source_repeats).all()
    assert (
        often[~is_new] + np.bincount(split.validation, minlength=len(faces))[~is_new] == 1
    ).all()
    assert not len(split.test)
    assert 0.05 < len(split.validation) / (~is_new).sum() < 0.2


def test_whoever_is_validated_on_is_not_trained_on(faces):
    for variant in (BEST, BEST.init_from):
        everything, split = export.make_final_split(variant, faces)
        group = group_ids(everything.table, "subject")
        assert not set(group[split.train]) & set(group[split.validation])
        assert not everything.is_copy[split.validation].any()


def test_somebody_of_the_collection_who_is_among_the_new_faces_is_refused(faces):
    validated = export.make_final_split(BEST, faces)[1].validation[0]
    subject = faces.table.subject.where(
        ~faces.table.source.isin(NEW), faces.table.subject[validated]
    )
    with pytest.raises(LeakError, match="same subject on both sides"):
        export.make_final_split(BEST, replace(faces, table=faces.table.assign(subject=subject)))


def test_the_net_that_it_starts_from_is_validated_on_the_same_photos_and_sees_no_new_faces(faces):
    (later, split), (before, first) = (
        export.make_final_split(variant, faces) for variant in (BEST, BEST.init_from)
    )
    assert list(later.table.photo[split.validation]) == list(before.table.photo[first.validation])
    assert not before.table.source.isin(NEW).any()


def test_an_emotion_with_too_few_photos_is_named(faces):
    one = faces.table.index[faces.table.emotion == "fear"][1:]
    with pytest.raises(InputError, match=r"fear \(1\)"):
        export.make_final_split(BEST, faces.select(~faces.table.index.isin(one)))


# after training


def test_tau_and_temperature_are_those_of_notebook_5(run, faces, monkeypatch):
    monkeypatch.setattr(export, "ACCURACY", 0.0)
    tau, temperature = export.tune_tau_and_temperature(run, faces)
    predicted = concat_folds([run], faces)
    assert len(predicted) == 0
    adjusted = posthoc.logit_adjusted(predicted).runs[0]
    np.testing.assert_allclose(
        posthoc.logit_adjusted(predicted, tau).runs[0].validation, adjusted.validation
    )
    assert temperature == pytest.approx(posthoc.temperature(adjusted))


def test_the_last_bias_takes_the_prior_out_as_adjusting_afterwards_does(run, faces):
    adjusted = posthoc.logit_adjusted(concat_folds([run], faces), 0.7).runs[0].validation
    everything, split = export.make_final_split(BEST, faces)
    loaded = inference.Model(
        export.as_keras(run, faces.size, 0.7),
        export.describe(faces, BEST, {}, {}) | {"temperature": 1.0},
    )
    predicted = [
        [*inference.predict(loaded, picture).values()]
        for picture in everything.pixels[split.validation]
    ]
    # What a run holds is rounded, to within 3 % in odds.
    np.testing.assert_allclose(predicted, adjusted, rtol=0.07, atol=1e-6)
    assert np.abs(adjusted / run.validation - 1).max() > 0.01


# the round trip


def test_the_kept_model_says_what_the_trained_net_said(run, faces, kept):
    loaded = inference.load(kept)
    everything, split = export.make_final_split(BEST, faces)
    net = models.build(SMALL, faces.size, 8, OnlineAugmentation())
    net.set_weights(run.weights)
    pictures = everything.pixels[split.validation]
    before = np.mean(
        [net.predict(v[..., None], verbose=0) for v in (pictures, pictures[:, :, ::-1])], axis=0
    )
    before = np.exp(before) / np.exp(before).sum(1, keepdims=True)
    loaded = replace(loaded, facts=loaded.facts | {"temperature": 1.0})
    posthoc = [inference.predict(loaded, picture) for picture in pictures]
    assert [tuple(each) for each in posthoc] == [EMOTIONS] * len(pictures)
    posthoc = np.array([list(each.values()) for each in posthoc])
    np.testing.assert_allclose(posthoc, before, rtol=0, atol=1e-6)
    np.testing.assert_allclose(posthoc, run.validation, rtol=0.07, atol=1e-6)
    assert posthoc.std(0).max() > 1e-4  # it does not say the same of every face


def test_a_picture_and_its_mirror_image_are_judged_alike_and_temperature_flattens(kept, faces):
    loaded = inference.load(kept)
    predicted, mirrored = (
        np.array([*inference.predict(loaded, x).values()])
        for x in (faces.pixels[0], faces.pixels[0, :, ::-1])
    )
    np.testing.assert_allclose(predicted, mirrored, atol=1e-6)
    assert predicted.sum() == pytest.approx(1)
    flat = replace(loaded, facts=loaded.facts | {"temperature": 5.0})
    assert max(inference.predict(flat, faces.pixels[0]).values()) < predicted.max()


def test_the_code_in_the_model_card_needs_keras_only_and_says_the_same(kept, faces):
    card = (paths.ROOT / "docs" / "model_card.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", card, re.S)
    (kept / "face.jpg").write_bytes(
        cv2.imencode(".png", faces.pixels[0])[1]
    )  # without loss, whatever its name
    code = (
        code.replace("(48, 48)", "(16, 16)")
        + """
import sys
assert "emoclass" not in sys.modules
assert all(type(layer).__module__.startswith("keras.") for layer in net.layers)
assert {layer.dtype_policy.name for layer in net.layers} == {"float32"}
"""
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=kept, check=True, capture_output=True, text=True
    )
    assert ast.literal_eval(done.stdout) == pytest.approx(
        inference.predict(inference.load(kept), faces.pixels[0]), abs=6e-4
    )


def test_the_net_that_is_kept_is_in_full_precision_whatever_it_was_trained_in(run, faces):
    keras().config.set_dtype_policy("float32")
    net = export.as_keras(
        replace(run, variant=BEST.replace(precision="mixed_bfloat16")), faces.size
    )
    assert net.output.dtype == "float32" and all(
        layer.dtype_policy.name == "float32" for layer in net.layers
    )


# the facts


@pytest.fixture
def small(faces, run, monkeypatch):
    """`make model`, hurried, on these faces; its numbers are recorded already."""
    monkeypatch.setattr(export, "train_on_everything", lambda variant, faces: run)
    monkeypatch.setattr("emoclass.study.notebook.with_new_faces", lambda dataset: faces)
    monkeypatch.setattr("emoclass.study.notebook.load_faces", lambda dataset: faces)
    monkeypatch.setattr(export, "final_variant", lambda: BEST)
    names = {"DATASET": "synthetic", "PROFILE": "full"}
    with environment(PUBLISH, "06_new_faces"):
        recorded = Study("06_new_faces", names).results
    recorded.numbers = {
        name: number() for name in ("best.subject.macro_f1", "new_faces.compact.recall.fear", "a.b")
    }
    recorded.save()
    return recorded


def test_the_facts_say_what_a_stranger_needs(small, run, faces, capsys):
    kept = export.export("synthetic")
    facts = json.loads((kept.parent / inference.FACTS).read_text())
    assert facts["emotions"] == list(EMOTIONS)
    assert facts["preprocessing"]["size"] == faces.size
    assert {"crop", "grey", "resize", "input", "views", "output"} < facts["preprocessing"].keys()
    assert facts["data"]["digest"] == faces.digest
    assert facts["data"]["photos of each emotion"] == dict(faces.counts)
    assert facts["scores"]["numbers"] == {
        n: number() for n in ("best.subject.macro_f1", "new_faces.compact.recall.fear")
    }
    assert "never on this very net" in facts["scores"]["measured"]
    assert facts["variant"] == json.loads(json.dumps(BEST.content))
    assert facts["versions"] == store.versions()
    assert [facts["rows"]["train"], facts["rows"]["validation"]] == list(run.rows[:2])
    assert (facts["tau"], facts["temperature"]) == export.tune_tau_and_temperature(run, faces)
    assert "Article 5(1)(f)" in facts["not_for"]
    assert "compact.subject.*" in capsys.readouterr().out


def test_without_new_faces_the_plain_net_is_trained(faces, monkeypatch, capsys):
    old = faces.select(~faces.table.source.isin(NEW).to_numpy())
    monkeypatch.setattr("emoclass.study.notebook.with_new_faces", lambda dataset: old)
    trained = []

    def stand_in(variant, faces):
        trained.append(variant)
        raise InputError("far enough")

    monkeypatch.setattr(export, "train_on_everything", stand_in)
    with pytest.raises(InputError, match="far enough"):
        export.export("synthetic")
    assert (
        trained[0].init_from is None
        and trained[0].train_sources == trained[0].excluded_sources == ()
    )
    assert (
        "there are no new faces: the compact net is trained on the collection alone"
        in capsys.readouterr().out
    )
    export.make_final_split(trained[0], old)  # and it can be


def test_what_others_train_with_fits_together():
    best = recipes.final_variant()
    assert set(best.train_sources) == set(NEW) == set(best.init_from.excluded_sources)
    compact = recipes.compact_variant("compact: plain", record_features=True)
    assert compact.record_features and set(
        (*compact.excluded_sources, *compact.test_sources)
    ) == set(NEW)
    assert (
        compact.replace(excluded_sources=NEW, test_sources=(), record_features=False).content
        == best.init_from.content
    )


# other versions of Keras

# What Keras 3.8 reads of each layer and initializer that a net of ours may consist of.
KERAS_3_8 = {
    "Functional": "input_layers layers name output_layers trainable",
    "InputLayer": "batch_shape dtype name sparse",
    "Rescaling": "dtype name offset scale trainable",
    "LayerNormalization": "axis beta_constraint beta_initializer beta_regularizer center dtype "
    "epsilon gamma_constraint gamma_initializer gamma_regularizer name rms_scaling scale trainable",
    "Conv2D": "activation activity_regularizer bias_constraint bias_initializer bias_regularizer "
    "data_format dilation_rate dtype filters groups kernel_constraint kernel_initializer "
    "kernel_regularizer kernel_size name padding strides trainable use_bias",
    "BatchNormalization": "axis beta_constraint beta_initializer beta_regularizer center dtype "
    "epsilon gamma_constraint gamma_initializer gamma_regularizer momentum "
    "moving_mean_initializer moving_variance_initializer name scale synchronized trainable",
    "ReLU": "dtype max_value name negative_slope threshold trainable",
    "AveragePooling2D": "data_format dtype name padding pool_size strides trainable",
    "MaxPooling2D": "data_format dtype name padding pool_size strides trainable",
    "Add": "dtype name trainable",
    "DepthwiseConv2D": "activation activity_regularizer bias_constraint bias_initializer "
    "bias_regularizer data_format depth_multiplier depthwise_constraint depthwise_initializer "
    "depthwise_regularizer dilation_rate dtype kernel_size name padding strides trainable use_bias",
    "Flatten": "data_format dtype name trainable",
    "Dropout": "dtype name noise_shape rate seed trainable",
    "Dense": "activation bias_constraint bias_initializer bias_regularizer dtype "
    "kernel_constraint kernel_initializer kernel_regularizer name trainable units use_bias",
    "DTypePolicy": "name",
    "__keras_tensor__": "dtype keras_history shape",
    "Constant": "value",
    "GlorotUniform": "seed",
    "HeNormal": "seed",
    "Ones": "",
    "Zeros": "",
}
EVERY_LAYER = models.ConvNet(blocks=((2,),), dense=(4,), dropout=0.5)


def unknown_to_keras_3_8(node):
    """(class, key) of all in a net's description, all the way down, that Keras 3.8 does not read."""
    if isinstance(node, list):
        for item in node:
            yield from unknown_to_keras_3_8(item)
    if isinstance(node, dict):
        if isinstance(node.get("config"), dict) and "class_name" in node:
            name = node["class_name"]
            known = KERAS_3_8.get(name, "").split()
            yield from ((name, key) for key in node["config"] if key not in known)
        for value in node.values():
            yield from unknown_to_keras_3_8(value)


@pytest.mark.parametrize("net", [SMALL, EVERY_LAYER])
def test_the_kept_file_holds_nothing_that_keras_3_8_does_not_know(net, tmp_path):
    built = models.build(net, 16)
    weights = built.get_weights()
    run = SimpleNamespace(
        variant=BEST.replace(net=net, init_from=None),
        weights=weights,
        y_true={"train": np.arange(8)},
    )
    plain = export.as_keras(run, 16)
    path = export.save(plain, {name: 1 for name in inference.NEEDED}, tmp_path)
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    assert set(unknown_to_keras_3_8(config)) == set()
    again = inference.load(tmp_path).net
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), np.uint8)
    np.testing.assert_array_equal(
        again.predict_on_batch(pictures), plain.predict_on_batch(pictures)
    )


def test_a_keras_that_cannot_read_the_file_is_named(kept, monkeypatch):
    def refuse(path, compile):
        raise TypeError("unrecognized keyword arguments\n" * 9)

    monkeypatch.setattr(keras().models, "load_model", refuse)
    with pytest.raises(
        InputError, match=rf"^Keras {keras().__version__} cannot read .*3\.8"
    ) as caught:
        inference.load(kept)
    assert "\n" not in str(caught.value)


# what can go wrong


def test_without_a_model_one_is_told_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match=r"there is no model in .*: run `make model`"):
        inference.load(tmp_path)
    with pytest.raises(InputError, match="there is no model"):
        inference.load()


@pytest.mark.parametrize(
    "name, damage",
    [
        (inference.NET, lambda kept: b"not a net"),
        (inference.FACTS, lambda kept: b"{"),
        (inference.FACTS, lambda kept: b"[]"),
        (inference.FACTS, lambda kept: kept.replace(b'"temperature"', b'"heat"')),
    ],
    ids=["another net", "cut short", "no facts", "no temperature"],
)
def test_files_that_do_not_belong_together_are_refused(kept, name, damage):
    (kept / name).write_bytes(damage((kept / name).read_bytes()))
    with pytest.raises(InputError, match="do not belong together: run `make model`"):
        inference.load(kept)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_save_leaves_the_old_model(kept, faces, error):
    before = {path.name: path.read_bytes() for path in kept.iterdir()}

    class Broken:
        def save(self, path):
            path.write_bytes(b"half a")
            raise error

    with pytest.raises((InputError, KeyboardInterrupt)):
        export.save(Broken(), {}, kept)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_a_model_of_drawn_faces_lies_beside_their_figures_whatever_they_are_called(
    run, monkeypatch, build
):
    monkeypatch.setattr(export, "train_on_everything", lambda *_: run)
    monkeypatch.setattr(export, "tune_tau_and_temperature", lambda *_: (0.0, 1.0))
    monkeypatch.setattr(export, "as_keras", lambda *_: None)
    monkeypatch.setattr(export, "save", lambda net, facts, folder: folder)
    assert (
        export.export("cartoon", "quick", progress=lambda line: None)
        == build / "synthetic-quick" / "model"
    )


@pytest.mark.parametrize(
    "picture", [np.zeros((15, 16), np.uint8), np.zeros((16, 16)), np.zeros((16, 16, 3), np.uint8)]
)
def test_what_is_no_crop_is_not_judged(picture, kept):
    with pytest.raises(InputError, match=r"takes uint8 \(16, 16\), not .*`crop_face`"):
        inference.predict(inference.load(kept), picture)


# the crop


def test_a_photo_without_a_face_is_taken_whole_and_one_line_says_so(capsys):
    picture = np.tile(np.arange(60, dtype=np.uint8), (40, 1))  # grey values rise from left to right
    crop = inference.crop_face(picture, 20)
    assert crop.shape == (20, 20) and crop.dtype == np.uint8
    assert crop[:, 0].mean() == pytest.approx(10.5, abs=1) and crop[:, -1].mean() == pytest.approx(
        48.5, abs=1
    )
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "box, first, last",
    [
        ((20, 20, 40), 19, 59),  # in the middle, with a narrow margin
        ((-5, -5, 60), 0, 61),  # beyond the edge: moved into the picture
        ((50, 50, 60), 38, 99),
        ((-10, -10, 200), 0, 99),  # larger than the picture
    ],
)
def test_the_crop_is_the_box_and_a_margin_inside_the_picture(monkeypatch, box, first, last):
    monkeypatch.setattr(inference, "_largest_face", lambda grey: inference.Box(*box))
    picture = np.tile(np.arange(100, dtype=np.uint8), (100, 1))
    for crop in (
        inference.crop_face(picture, last - first + 1),
        inference.crop_face(picture.T, last - first + 1).T,
    ):
        np.testing.assert_array_equal(crop, picture[: len(crop), first : last + 1])


def test_red_counts_as_red_in_arrays_and_in_files(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "_largest_face", lambda grey: inference.Box(0, 0, 30))
    red = np.zeros((30, 30, 3), np.uint8)
    red[..., 0] = 255
    cv2.imwrite(str(tmp_path / "red.png"), red[..., ::-1])
    assert (inference.crop_face(red, 8) == 76).all() and (
        inference.crop_face(tmp_path / "red.png", 8) == 76
    ).all()


def test_what_shows_through_is_seen_on_white_paper(tmp_path):
    picture = np.zeros((30, 30, 4), np.uint8)
    picture[:15, :, 3] = 255
    cv2.imwrite(str(tmp_path / "half.png"), picture)
    assert inference.crop_face(tmp_path / "half.png", 30)[[0, 29], 0].tolist() == [0, 255]


def test_the_largest_face_is_found_where_the_cascade_sees_it_whatever_the_scale(monkeypatch):
    class Cascade:
        def __init__(self, path):
            assert path.endswith(".xml")

        def detectMultiScale(self, grey, *_):
            edge = round(inference.AROUND * 480)
            assert grey.shape == (240 + 2 * edge, 480 + 2 * edge)
            return np.array([[edge + 10, edge + 20, 30, 30], [edge + 40, edge + 50, 60, 60]])

    monkeypatch.setattr(cv2, "CascadeClassifier", Cascade)
    found = inference._largest_face(np.zeros((480, 960), np.uint8))
    assert found == inference.Box(80, 100, 120)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    whole = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))[
        1
    ].tobytes()
    for name, content, why in (
        ("cut.jpg", whole[: len(whole) // 2], "cut short"),
        ("a.txt", b"hello", "not a picture"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} is {why}"):
            inference.crop_face(tmp_path / name)
    with pytest.raises(InputError, match=r"nowhere\.jpg cannot be read"):
        inference.crop_face(str(tmp_path / "nowhere.jpg"))


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4)), np.zeros(4, np.uint8), np.zeros((4, 4, 4), np.uint8)]
)
def test_an_array_that_is_no_picture_is_refused(picture):
    with pytest.raises(InputError, match="is no picture"):
        inference.crop_face(picture)
    with pytest.raises(InputError, match="at least 1"):
        inference.crop_face(np.zeros((4, 4), np.uint8), 0)


@pytest.mark.skipif(muxspace.find() is None, reason="the photos are not on disk")
def test_photos_that_are_cut_to_the_face_stay_as_they_are():
    photos = sorted((muxspace.find() / "images").glob("A*.jpg"))[::40]
    grey = [
        g
        for path in photos
        if (g := cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)).shape == (350, 350)
    ]
    boxes = [inference._largest_face(g) for g in grey]
    found = [(box.left, box.top, box.side) for box in boxes if box]
    assert len(found) > 0.9 * len(grey) > 15
    left, top, side = np.median(found, axis=0) / 350
    wanted = 1 / (1 + 2 * inference.MARGIN)
    assert (left, top, side) == pytest.approx(
        ((1 - wanted) / 2, (1 - wanted) / 2, wanted), abs=0.03
    )


def test_a_picture_of_one_pixel_is_a_photo_without_a_face(capsys):
    assert inference.crop_face(np.zeros((3000, 1), np.uint8)).shape == (48, 48)
    assert "no face found" in capsys.readouterr().err
    with pytest.raises(InputError, match="a whole number"):
        inference.crop_face(np.zeros((48, 48), np.uint8), size=48.0)


def test_twelve_bits_are_read_as_training_reads_them(tmp_path):
    grey = np.linspace(0, 4095, 48 * 48).reshape(48, 48).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), grey)
    assert np.abs(inference.crop_face(tmp_path / "deep.png").astype(int) - (grey >> 4)).max() <= 1
