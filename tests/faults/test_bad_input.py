"""Whatever somebody hands in, they get one sentence that names every offender, and never a silent skip."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from emoclass.data import load_faces
from emoclass.errors import InputError


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))


@pytest.fixture
def mine(tmp_path):
    """Four good photos with their legend."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        pixels = np.full((64, 64), 40 * number, np.uint8)
        pixels[20:40, 20:40] += 30
        (folder / f"{name}.jpg").write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
    (folder / "legend.csv").write_text(
        "photo,emotion\na.jpg,fear\nb.jpg,sad\nc.jpg,happy\nd.jpg,anger\n"
    )
    return folder


def refusal(folder) -> str:
    with pytest.raises(InputError) as caught:
        load_faces(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def jpeg(width=64, height=64, quality=95) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)
    return cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def claiming(width, height) -> bytes:
    """A small JPEG whose header claims another size."""
    data = jpeg()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def png_claiming(width, height) -> bytes:
    data = cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def webp() -> bytes:
    return cv2.imencode(".webp", np.full((64, 64), 9, np.uint8))[1].tobytes()


def webp_claiming(width, height) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return (
        b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8L"
        + struct.pack("<I", 18)
        + b"\x2f"
        + struct.pack("<I", bits)
        + bytes(13)
    )


WRONG = {
    "empty": (b"", "is empty"),
    "cut_short": (jpeg()[:-600], "is cut short"),
    "cut_within_its_header": (jpeg()[:30], "is cut short"),
    "only_the_first_two_bytes": (b"\xff\xd8", "is cut short"),
    "png_cut_short": (cv2.imencode(".png", np.eye(50, dtype=np.uint8))[1].tobytes()[:-20], "is cut short"),
    "webp_cut_short": (webp()[:-10], "is cut short"),
    "words": (b"these are words, not pixels", "is not a picture"),
    "noise": (bytes(range(256)) * 9, "is not a picture"),
    "broken_scan": (b"\xff\xd8\xff\xda\x00\x02" + b"0" * 50 + b"\xff\xd9", "is not a picture"),
    "huge": (claiming(20_000, 64), "has more than 10,000 pixels a side"),
    "huge_png": (png_claiming(64, 50_000), "has more than 10,000 pixels a side"),
    "huge_webp": (webp_claiming(16_000, 64), "has more than 10,000 pixels a side"),
    "huger_png": (png_claiming(30_000, 30_000), "has more than 10,000 pixels a side"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_photo_of_no_use_is_named_with_its_reason(mine, kind):
    data, reason = WRONG[kind]
    (mine / "c.jpg").write_bytes(data)
    message = refusal(mine)
    assert f"c.jpg {reason}" in message and "a.jpg" not in message
    assert (
        message.startswith("one photo cannot be used")
        and "take them and their rows away" in message
    )


def test_every_bad_photo_is_named_in_one_sentence(mine):
    (mine / "a.jpg").write_bytes(b"")
    (mine / "b.jpg").write_bytes(jpeg()[:-50])
    (mine / "c.jpg").unlink()
    (mine / "c.jpg").symlink_to(mine / "nowhere.jpg")
    message = refusal(mine)
    assert message.startswith("3 photos cannot be used")
    for name, reason in (
        ("a", "is empty"),
        ("b", "is cut short"),
        ("c", "cannot be read (No such file"),
    ):
        assert f"{name}.jpg {reason}" in message


def test_a_hundred_offenders_are_a_hundred_names(mine):
    rows = [f"gone{number}.jpg,fear" for number in range(100)]
    (mine / "legend.csv").write_text("\n".join(["photo,emotion", *rows]))
    message = refusal(mine)
    assert all(
        f"row {number + 2}: there is no photo 'gone{number}.jpg'" in message
        for number in range(100)
    )


def test_what_follows_a_whole_jpeg_does_no_harm(mine):
    (mine / "a.jpg").write_bytes(jpeg() + bytes(40))
    assert len(load_faces(mine)) == 4


def test_a_thumbnail_does_not_pass_for_the_end_of_a_photo(mine):
    photo, thumbnail = jpeg(), jpeg(16, 16, 30)
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = photo[:2] + segment + photo[2:]
    (mine / "a.jpg").write_bytes(whole)
    assert len(load_faces(mine)) == 4
    (mine / "a.jpg").write_bytes(whole[:-300])
    assert "a.jpg is cut short" in refusal(mine)


def test_rows_are_named_with_what_is_wrong_and_what_to_do(mine):
    (mine / "legend.csv").write_text(
        "photo,emotion\na.jpg,hapy\nb.jpg,\nzzz.jpg,fear\n../secret.jpg,fear\n/etc/x.jpg,fear\nC:\\x.jpg,fear\nc.jpg,fear\n"
    )
    message = refusal(mine)
    for line, fault in (
        (2, "'hapy' is no emotion (did you mean 'happy'?)"),
        (3, "the emotion is missing"),
        (4, "there is no photo 'zzz.jpg'"),
        (5, "'../secret.jpg' leads out of the folder"),
        (6, "'/etc/x.jpg' leads out of the folder"),
        (7, "leads out of the folder"),
    ):
        assert f"row {line}: {fault}" in message or (line == 7 and f"row {line}:" in message)
    assert (
        "row 8" not in message
        and "mend these rows" in message
        and str(mine / "legend.csv") in message
    )


def test_a_name_that_climbs_is_refused_even_where_it_leads_to_a_photo(mine):
    (mine.parent / "outside.jpg").write_bytes(jpeg())
    (mine / "legend.csv").write_text(
        "photo,emotion\na.jpg,fear\nb/../../outside.jpg,fear\n..\\outside.jpg,fear\n"
    )
    message = refusal(mine)
    assert (
        "row 3" in message and "row 4" in message and message.count("leads out of the folder") == 2
    )


@pytest.mark.parametrize(
    "text, named",
    [
        ("photo,feeling\na.jpg,fear\n", ["a column for the emotion", "'photo', 'feeling'"]),
        ("a,b,c,d\n1,2,3,4\n", ["lacks a column for the photo or emotion"]),
        ("", ["its first row has nothing"]),
        (
            "photo,emotion\na.jpg,fear,extra\nb.jpg,fear\nc.jpg\n",
            ["but row 2 has 3, row 4 has 1: mend"],
        ),
        ('photo,emotion\na.jpg,"fear\n' + "x" * 200_000, ["row 3"]),
        (
            "photo,emotion,subject\na.jpg,fear,Ann\nb.jpg,fear,Bob\na.jpg,fear,Bob\n",
            ["row 4: another row gives 'a.jpg' another subject"],
        ),
        ("photo,emotion\na.jpg,fear\na.jpg,anger\n", ["leaves no photo"]),
    ],
    ids=["no emotion", "no column", "empty", "ragged", "endless", "two persons", "two emotions"],
)
def test_an_annotation_file_of_no_use_is_refused_with_every_offender(mine, text, named):
    (mine / "legend.csv").write_text(text)
    message = refusal(mine)
    for offender in named:
        assert offender in message


def test_missing_and_empty_folders_say_so(tmp_path):
    assert f"there is no folder {tmp_path / 'absent'}" in refusal(tmp_path / "absent")
    (tmp_path / "a file").write_text("x")
    assert "there is no folder" in refusal(tmp_path / "a file")
    (tmp_path / "empty").mkdir()
    assert f"no photos in {tmp_path / 'empty'}" in refusal(tmp_path / "empty")


def test_photos_without_legend_or_folders_are_refused(mine):
    (mine / "legend.csv").unlink()
    message = refusal(mine)
    assert (
        "holds no legend.csv and no folders: " in message
        and "add an annotation file" in message
        and "contempt" in message
    )


def test_folders_that_are_no_emotions_are_all_named(mine):
    (mine / "legend.csv").unlink()
    for folder, name in (("bored", "a.jpg"), ("happy", "b.jpg"), ("tired", "c.jpg")):
        (mine / folder).mkdir()
        (mine / name).rename(mine / folder / name)
    assert "these folders are no emotions: 'bored' (1 photos), 'tired' (1 photos)" in refusal(mine)


def test_a_legend_that_cannot_be_read_is_named(mine, monkeypatch):
    from pathlib import Path

    def forbidden(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    assert "legend.csv cannot be read (Permission denied)" in refusal(mine)


def test_missing_photos_say_where_they_were_looked_for_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "nothing"))
    message = refusal("muxspace")
    assert str(tmp_path / "nothing") in message and "make data" in message
