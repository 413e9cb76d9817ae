"""Figures of photos show each number where it belongs, in pictures that nothing blackens."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from emoclass import kept, plots
from emoclass.faces import without_pixels
from emoclass.labels import COLOURS, EMOTIONS
from emoclass.plots.dataset import DARKER
from emoclass.plots.style import HONEST, INK, LEAKY
from emoclass.study.record import Derived, Record

ON_AN_AXIS = {
    "counts": lambda faces, **how: plots.counts(faces, **how),
    "shares": lambda faces, **how: plots.shares(faces, "source", **how),
    "photos_per_subject": lambda faces, **how: plots.photos_per_subject(faces, **how),
    "distances": lambda faces, **how: plots.distances({"by photo": np.array([3.0, 0, 9])}, **how),
}
WHOLE = {
    "mean_faces": lambda faces, **how: plots.mean_faces(faces, **how),
    "gallery": lambda faces, **how: plots.gallery(
        faces.pixels[:6].reshape(2, 3, 16, 16), ("a", "b"), **how
    ),
    "occlusion": lambda faces, **how: plots.occlusion(
        faces, {"happiness": np.eye(4), "neutral": np.eye(4)}, **how
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "kept", [EMOTIONS, ("happiness", "neutral")], ids=["all emotions", "two emotions"]
)
@pytest.mark.parametrize("name", ON_AN_AXIS | WHOLE)
def test_every_figure_is_returned_with_its_title_whichever_emotions_there_are(name, kept, faces):
    shown = (ON_AN_AXIS | WHOLE)[name](
        faces.select(faces.table.emotion.isin(kept)), title="What is shown"
    )
    assert isinstance(shown, Axes if name in ON_AN_AXIS else Figure) and len(plt.get_fignums()) == 1
    figure = shown.figure if name in ON_AN_AXIS else shown
    figure.canvas.draw()
    assert "What is shown" in (figure.get_suptitle(), figure.axes[0].get_title("left"))
    assert all(ax.get_ylabel() for ax in figure.axes if hasattr(ax, "_colorbar"))


@pytest.mark.parametrize("name", ON_AN_AXIS)
def test_what_is_given_an_axis_draws_into_it_and_says_what_it_shows(name, faces):
    _, axes = plots.panels(2)
    ax = ON_AN_AXIS[name](faces, ax=axes[1])
    assert (
        ax is axes[1] and len(plt.get_fignums()) == 1 and not axes[0].has_data() and ax.has_data()
    )
    assert ax.get_xlabel() and (
        ax.get_ylabel() or ax.get_yticklabels()[0].get_text().startswith("anger")
    )
    plots.close(ax.figure)
    assert plt.get_fignums() == []


def test_bars_are_as_long_as_emotions_are_frequent_and_wear_their_colours(faces):
    ax = plots.counts(faces)
    assert [bar.get_width() for bar in ax.patches] == faces.counts.tolist()
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [
        COLOURS[e].upper() for e in EMOTIONS
    ]
    assert (ax.get_xscale(), ax.get_xlim()[0]) == ("linear", 0)  # 3 photos look like 3, 14 like 14
    assert [text.get_text() for text in ax.texts][3:5] == ["3 (5.3 %)", "12 (21.1 %)"]


def test_shares_of_an_emotion_add_up_and_say_of_how_many_photos(faces):
    ax = plots.shares(faces, "source")
    newspaper, film = ([bar.get_width() for bar in bars] for bars in ax.containers)
    np.testing.assert_allclose(np.add(film, newspaper), 100)
    assert [bar.get_x() for bar in ax.containers[1]] == pytest.approx(
        newspaper
    )  # film begins where newspaper ends
    assert film[4] == pytest.approx(
        100 * (faces.table.source[faces.table.emotion == "happiness"] == "film").mean()
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["newspaper", "film"]
    assert ax.get_yticklabels()[1].get_text() == "contempt (n = 3)"


def test_subjects_are_counted_by_their_photos(faces):
    ax = plots.photos_per_subject(faces)
    # three have two photos, seventeen have three
    assert [label.get_text() for label in ax.get_yticklabels()][:3] == ["1", "2 to 4", "5 to 19"]
    of_photos, of_subjects = ([bar.get_width() for bar in bars] for bars in ax.containers[:2])
    assert of_photos == of_subjects == [0, 100, 0, 0, 0]


def test_shares_of_photos_and_of_subjects_differ_where_some_have_many(faces_of):
    subjects = ["one"] * 6 + ["two"] * 2 + ["three", "four"]
    ax = plots.photos_per_subject(faces_of(emotion=["neutral"] * 10, subject=subjects))
    of_photos, of_subjects = ([bar.get_width() for bar in bars] for bars in ax.containers[:2])
    np.testing.assert_allclose(of_photos, [20, 20, 60, 0, 0])
    np.testing.assert_allclose(of_subjects, [50, 25, 25, 0, 0])


def test_under_each_mean_face_stands_how_it_differs_from_neutral_and_what_is_darker_is_outlined(
    faces,
):
    axes, mean = (
        plots.mean_faces(faces).axes,
        {e: faces.pixels[faces.table.emotion == e].mean(0) for e in EMOTIONS},
    )
    for emotion, above, below in zip(EMOTIONS, axes[:8], axes[8:16]):
        assert above.get_title("center") == f"{emotion}\nn = {faces.counts[emotion]}"
        shown = above.images[0].get_array()
        difference = below.images[0].get_array()
        np.testing.assert_allclose(shown, mean[emotion], atol=1)  # kept in whole grey values
        np.testing.assert_allclose(difference, mean[emotion] - mean["neutral"], atol=1)
        assert bool(below.collections) == bool((difference < -DARKER).any())
        assert not any(area.get_hatch() for area in below.collections)


def test_mean_faces_are_drawn_from_what_was_kept_where_the_photos_are_not_at_hand(faces, tmp_path):
    kept.use(Derived(tmp_path, Record(tmp_path / "nothing")))
    try:
        with_photos = plots.mean_faces(faces).axes
        without_photos = plots.mean_faces(without_pixels(faces)).axes
    finally:
        kept.use(None)
    for one, other in zip(with_photos[:16], without_photos[:16]):
        np.testing.assert_array_equal(one.images[0].get_array(), other.images[0].get_array())


def test_falls_are_shares_of_the_largest_white_where_it_rises_and_the_worse_half_is_enclosed(faces):
    fall = np.zeros((3, 3))
    fall[1, 1], fall[0, 0] = 0.2, -0.3
    above, below, *_ = plots.occlusion(faces, {"fear": fall}).axes
    assert below.images[0].get_array().tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert min(below.images[0].cmap(1.0)[:3]) > 0.5  # even the largest is not black
    (line,) = above.collections
    np.testing.assert_allclose(line.get_paths()[0].vertices.mean(0), [7.5, 7.5], atol=0.5)
    above, faint, *_ = plots.occlusion(faces, {"fear": np.eye(3) * 0.009}).axes
    assert not faint.images[0].get_array().any() and not above.collections
    assert (below.get_xlabel(), faint.get_xlabel()) == ("at most 0.20", "below 0.01")


def test_a_gallery_lays_pictures_out_row_by_row(faces):
    pictures = faces.pixels[:6].reshape(2, 3, 16, 16)
    ax = plots.gallery(pictures, ("a", "b"), columns=2).axes[0]
    sheet = ax.images[0].get_array()
    assert sheet.shape == (32, 32) and np.array_equal(sheet[16:, 16:], pictures[1, 1])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_distances_rise_to_the_share_of_photos_that_are_so_near():
    ax = plots.distances({"by photo": np.array([3.0, 0, 9, 5]), "by subject": np.array([8.0, 6])})
    near, far = ax.lines
    assert near.get_xydata().tolist() == [[0, 25], [3, 50], [5, 75], [9, 100]]
    assert (
        far.get_xydata().tolist() == [[6, 50], [8, 100]]
        and near.get_linestyle() != far.get_linestyle()
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["by photo", "by subject"]
    assert "grey levels" in ax.get_xlabel() and "%" in ax.get_ylabel()


def test_distances_of_a_protocol_that_leaks_are_orange_and_of_an_honest_one_blue():
    levels = {"by photo": np.array([3.0]), "by subject": np.array([8.0])}
    drawn = plots.distances(levels, leaky=["by photo"]).lines
    assert [line.get_color() for line in drawn] == [LEAKY, HONEST]
    drawn = plots.distances(levels).lines
    assert [line.get_color() for line in drawn] == [INK, INK]
