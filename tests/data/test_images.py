import errno
import io
import os
import struct

import cv2
import numpy as np
import pytest

from emoclass.data import images as module
from emoclass.data.images import SUFFIXES, blob_ids, load_images, names_below
from emoclass.errors import InputError


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    return tmp_path / "build"


def picture(path, shape=(60, 60), shade=100, kind=None):
    """A picture that is dark on its left half and bright on its right, on disk."""
    pixels = np.full(shape, shade, np.uint8)
    pixels[:, shape[1] // 2 :] = 220
    path.write_bytes(cv2.imencode(kind or path.suffix, pixels)[1].tobytes())
    return path


def cached(build):
    return sorted((build / "cache").glob("pixels-*"))


def test_photos_become_grey_squares_in_the_order_asked_for(tmp_path):
    paths = [picture(tmp_path / f"{shade}.png", shade=shade) for shade in (30, 90, 10)]
    pixels = load_images(paths, size=16)
    assert pixels.shape == (3, 16, 16) and pixels.dtype == np.uint8
    assert pixels[:, 8, 2].tolist() == [30, 90, 10]
    assert isinstance(pixels, np.memmap) and not pixels.flags.writeable


def test_the_whole_face_is_kept_whatever_the_shape_of_the_photo(tmp_path):
    tall, wide = picture(tmp_path / "tall.png", (107, 82)), picture(tmp_path / "wide.png", (40, 90))
    for pixels in load_images([tall, wide], size=24):
        assert (pixels[:, :11] == 100).all() and (pixels[:, 13:] == 220).all()


@pytest.mark.parametrize("shape", [(30, 60), (60, 30)])
def test_a_photo_that_is_small_one_way_alone_is_enlarged_smoothly_too(tmp_path, shape):
    height, width = shape
    ramp = np.tile(np.linspace(0, 255, 30)[:, None], 60)
    ramp = ramp if height < width else ramp.T
    (tmp_path / "a.png").write_bytes(encoded(".png", ramp.round().astype(np.uint8)))
    seen = load_images([tmp_path / "a.png"], 48)[0].astype(int)
    if height > width:
        seen = seen.T
    steps = np.diff(seen, axis=0)[2:-2]
    assert np.ptp(steps) <= 2  # in blocks, some are twice as high as others


@pytest.mark.parametrize("side", [40, 95, 96, 190, 200, 350, 400, 800])
def test_decoding_at_a_reduced_scale_shows_the_same_picture(tmp_path, side):
    path = picture(tmp_path / "photo.jpg", (side, side))
    full = cv2.resize(cv2.imread(str(path), 0), (48, 48), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(load_images([path])[0].astype(int) - full).mean() < 2


def test_threads_of_opencv_are_left_as_they_were(tmp_path):
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    load_images([picture(tmp_path / "a.png")])
    posthoc = cv2.getNumThreads()
    cv2.setNumThreads(before)
    assert posthoc == 2


def test_blob_ids_are_those_of_git(tmp_path):
    path = tmp_path / "hello"
    path.write_bytes(b"hello\n")
    assert blob_ids([path]) == ["ce013625030ba8dba906f756967f9e9ca394464a"]
    assert blob_ids([path, tmp_path / "absent"])[1] is None
    assert blob_ids([]) == []


def test_a_second_load_does_not_decode(tmp_path, monkeypatch):
    paths = [picture(tmp_path / f"{n}.jpg", shade=n) for n in range(5)]
    first = load_images(paths)
    monkeypatch.setattr(module, "_decode", lambda path, size: pytest.fail(f"decoded {path}"))
    assert (load_images(paths) == first).all()


def test_a_changed_photo_is_noticed_even_with_its_old_size_and_date(tmp_path):
    path = picture(tmp_path / "a.png", shade=10)
    before, old = path.stat(), blob_ids([path])
    assert load_images([path])[0, 5, 5] == 10
    picture(path, shade=11)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns
    assert blob_ids([path]) != old
    assert load_images([path])[0, 5, 5] == 11


def test_the_same_photos_under_other_names_share_a_cache(tmp_path, build):
    paths = [picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg", shade=3)]
    load_images(paths)
    moved = [path.rename(path.with_suffix(".jpeg")) for path in paths]
    load_images(moved)
    assert len(cached(build)) == 1
    load_images(moved[::-1])
    load_images(moved, size=20)
    assert len(cached(build)) == 3


def of_another_shape(_):
    other = io.BytesIO()
    np.save(other, np.zeros((1, 3, 3), np.uint8))
    return other.getvalue()


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-100], lambda b: b"", lambda b: b"x" * len(b), of_another_shape]
)
def test_a_damaged_cache_is_noticed_and_made_again(tmp_path, build, capsys, damage):
    paths = [picture(tmp_path / "a.jpg")]
    good = np.array(load_images(paths))
    (file,) = cached(build)
    file.write_bytes(damage(file.read_bytes()))
    assert (load_images(paths) == good).all()
    predicted = capsys.readouterr().err
    assert predicted.count("\n") == 1 and "damaged" in predicted and str(file) in predicted
    load_images(paths)
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, build, monkeypatch):
    path = picture(tmp_path / "a.jpg")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(
        InputError, match=r"cannot be written \(No space left on device\): make room"
    ):
        load_images([path])
    assert list((build / "cache").iterdir()) == []


def test_a_refused_photo_leaves_no_cache(tmp_path, build):
    (tmp_path / "bad.jpg").write_bytes(b"no")
    with pytest.raises(InputError):
        load_images([picture(tmp_path / "a.jpg"), tmp_path / "bad.jpg"])
    assert not build.exists() or list((build / "cache").iterdir()) == []


def test_names_below_a_folder_are_those_of_files_that_are_not_hidden(tmp_path):
    for name in ("b.jpg", "a/c.txt", "a/d/e", ".f", "a/.g/h.jpg", "a/d/.i"):
        (tmp_path / ".hidden" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".hidden" / name).write_bytes(b"")
    (tmp_path / ".hidden" / "nowhere").symlink_to("absent")
    assert names_below(tmp_path / ".hidden") == ["a/c.txt", "a/d/e", "b.jpg", "nowhere"]
    assert names_below(tmp_path) == names_below(tmp_path / "absent") == []


def test_no_photos_are_no_pixels():
    assert load_images([], size=10).shape == (0, 10, 10)
    with pytest.raises(InputError, match="at least 1"):
        load_images([], size=0)


# kinds of files, read as a person sees them

SMOOTH = cv2.GaussianBlur(np.random.default_rng(5).integers(0, 256, (60, 60), np.uint8), (0, 0), 4)
SMOOTH = cv2.normalize(SMOOTH, None, 0, 255, cv2.NORM_MINMAX)


def exif_turned(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def encoded(suffix, picture):
    return cv2.imencode(suffix, picture)[1].tobytes()


COLOUR = cv2.cvtColor(SMOOTH, cv2.COLOR_GRAY2BGR)


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.png", encoded(".png", SMOOTH)),
        ("a.png", encoded(".png", COLOUR)),
        ("a.png", encoded(".png", SMOOTH.astype(np.uint16) << 8)),
        ("a.png", encoded(".png", SMOOTH.astype(np.uint16) << 4)),  # 12 bits in 16
        ("a.png", encoded(".png", SMOOTH.astype(np.uint16))),  # 8 bits in 16
        ("a.tif", encoded(".tif", (SMOOTH / 255).astype(np.float32))),
        ("a.jpg", encoded(".png", SMOOTH)),  # called by another kind's name
        ("a.jfif", encoded(".jpg", SMOOTH)),
        (
            "a.jpg",
            exif_turned(encoded(".jpg", cv2.rotate(SMOOTH, cv2.ROTATE_90_COUNTERCLOCKWISE)), 6),
        ),
        ("a.gif", encoded(".gif", COLOUR)),
        ("a.webp", encoded(".webp", COLOUR)),
        ("webp.jpg", encoded(".webp", COLOUR)),
        ("a.ppm", encoded(".ppm", COLOUR)),
        ("a.bmp", encoded(".bmp", SMOOTH)),
    ],
)
def test_a_picture_is_the_same_whatever_kind_of_file_it_lies_in(tmp_path, build, name, content):
    assert name.endswith(SUFFIXES)
    (tmp_path / name).write_bytes(content)
    seen = load_images([tmp_path / name], 60)[0].astype(int)
    assert np.abs(seen - SMOOTH).mean() < (
        12 if name.endswith("gif") else 4
    )  # a GIF has 256 colours


@pytest.mark.parametrize("scale", [1, 2, 5, 10, 20])
@pytest.mark.parametrize(
    "orientation, as_stored",
    [
        (3, lambda upright: upright[::-1, ::-1]),
        (6, lambda upright: cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)),
        (8, lambda upright: cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE)),
    ],
)
def test_a_phone_photo_is_upright_at_whatever_scale_it_is_decoded(
    tmp_path, scale, orientation, as_stored
):
    upright = cv2.resize(SMOOTH, (60 * scale, 80 * scale), interpolation=cv2.INTER_CUBIC)
    stored = np.ascontiguousarray(as_stored(upright))
    (tmp_path / "a.jpg").write_bytes(exif_turned(encoded(".jpg", stored), orientation))
    expected = cv2.resize(upright, (48, 48), interpolation=cv2.INTER_AREA).astype(int)
    seen = load_images([tmp_path / "a.jpg"], 48)[0].astype(int)
    assert np.abs(seen - expected).mean() < 4
    assert np.abs(seen[::-1, ::-1] - expected).mean() > 20


def test_what_is_transparent_is_seen_on_white_and_what_is_opaque_as_it_is(tmp_path, build):
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 255
    hidden = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    clear = np.dstack([np.where(mask[..., None] > 0, COLOUR, hidden), mask])
    for name, picture in (
        ("clear.png", clear),
        ("opaque.png", np.dstack([COLOUR, np.full_like(mask, 255)])),
    ):
        (tmp_path / name).write_bytes(encoded(".png", picture))
    seen, opaque = load_images([tmp_path / "clear.png", tmp_path / "opaque.png"], 60)
    assert (seen[:, :30] == 255).all() and np.abs(
        seen[:, 30:].astype(int) - SMOOTH[:, 30:]
    ).max() <= 1
    assert np.abs(opaque.astype(int) - SMOOTH).max() <= 1
