"""A picture is read as people see it."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from drawn import encoded, picture

from splitaudit.decode import UnreadablePicture, array_as_rgb, decode, turn_upright

TIFF = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
WHOLE = 10_000


def upright() -> np.ndarray:
    array = picture(1, 64)
    array[:20] = array[:20] // 3  # dark on top: turned pictures cannot be mistaken
    return array


def lying() -> np.ndarray:
    return cv2.rotate(upright(), cv2.ROTATE_90_COUNTERCLOCKWISE)


def with_alpha(array: np.ndarray) -> np.ndarray:
    alpha = np.dstack([array, np.full(array.shape[:2], 255, np.uint8)])
    alpha[0, 0, 3] = 0
    return alpha


def tagged_jpeg(array: np.ndarray) -> bytes:
    data = encoded(".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, 98])
    segment = b"Exif\0\0" + TIFF
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def tagged_png(array: np.ndarray) -> bytes:
    data = encoded(".png", array)
    checksum = struct.pack(">I", zlib.crc32(b"eXIf" + TIFF))
    return data[:33] + struct.pack(">I", len(TIFF)) + b"eXIf" + TIFF + checksum + data[33:]


def tagged_webp(array: np.ndarray) -> bytes:
    body = encoded(".webp", array, [cv2.IMWRITE_WEBP_QUALITY, 101])[12:]
    if body.startswith(b"VP8X"):
        body = body[18:]
    flags = 0x08 | (0x10 if array.shape[2] == 4 else 0)
    side = struct.pack("<I", 63)[:3]
    start = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + side * 2
    exif = b"EXIF" + struct.pack("<I", len(TIFF)) + TIFF
    riff = b"WEBP" + start + body + exif
    return b"RIFF" + struct.pack("<I", len(riff)) + riff


def tagged_tiff(array: np.ndarray) -> bytes:
    grey = cv2.cvtColor(array, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    tags = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 0),
        (274, 6),
        (277, 1),
        (278, height),
        (279, grey.size),
    ]
    start = 8 + 2 + 12 * len(tags) + 4
    rows = b""
    for tag, value in tags:
        if tag in (258, 259, 262, 274, 277):
            rows += struct.pack("<HHIHH", tag, 3, 1, value, 0)
        else:
            rows += struct.pack("<HHII", tag, 4, 1, start if tag == 273 else value)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + rows + bytes(4) + grey.tobytes()


@pytest.mark.parametrize("tagged", [tagged_jpeg, tagged_png, tagged_webp, tagged_tiff])
def test_a_phone_s_orientation_is_followed_in_every_kind_of_file(tagged):
    found = decode(tagged(lying()), WHOLE)
    wanted = cv2.cvtColor(upright(), cv2.COLOR_BGR2GRAY).astype(float)
    grey = cv2.cvtColor(found.picture, cv2.COLOR_RGB2GRAY).astype(float)
    assert np.abs(grey - wanted).mean() < 4


@pytest.mark.parametrize("tagged", [tagged_png, tagged_webp])
def test_transparent_pictures_are_turned_as_well(tagged):
    found = decode(tagged(with_alpha(lying())), WHOLE)
    wanted = cv2.cvtColor(upright(), cv2.COLOR_BGR2RGB).astype(float)
    assert np.abs(found.picture - wanted).mean() < 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_agree_with_the_standard(orientation):
    PIL = pytest.importorskip("PIL.Image")
    from PIL import ImageOps

    array = cv2.cvtColor(picture(2, 40)[:, :25], cv2.COLOR_BGR2RGB)
    image = PIL.fromarray(array)
    image.getexif()[274] = orientation
    wanted = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(turn_upright(array, orientation), wanted)


def test_what_shows_through_is_seen_on_white():
    array = np.dstack([picture(3), np.zeros((48, 48), np.uint8)])
    assert (decode(encoded(".png", array), WHOLE).picture == 255).all()


@pytest.mark.parametrize("shift", [8, 4])
def test_pictures_of_12_and_16_bits_become_those_of_8(shift):
    grey = cv2.cvtColor(picture(4), cv2.COLOR_BGR2GRAY)
    deep = (grey.astype(np.uint16) << 8 | grey) >> (8 - shift)
    found = decode(encoded(".png", deep), WHOLE).picture[:, :, 0]
    assert np.abs(found.astype(int) - grey).max() <= 1


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".jp2", ".ppm", ".bmp", ".tif"])
def test_every_kind_of_file_shows_its_picture(suffix):
    found = decode(encoded(suffix, picture(5)), WHOLE).picture
    wanted = cv2.cvtColor(picture(5), cv2.COLOR_BGR2RGB).astype(int)
    assert np.abs(found - wanted).mean() < 20


def test_a_large_jpeg_is_decoded_small_and_its_size_is_known():
    data = encoded(".jpg", picture(6, 1600)[:1200])
    found = decode(data, 192)
    assert max(found.picture.shape) == 200
    assert (found.height, found.width) == (1200, 1600)


def test_a_box_is_cut_out_of_the_upright_picture():
    found = decode(tagged_png(lying()), WHOLE, crop=(10, 0, 30, 15))
    wanted = cv2.cvtColor(upright(), cv2.COLOR_BGR2RGB)[0:15, 10:30]
    assert np.array_equal(found.picture, wanted)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ea\nsize 8605\n", "Git LFS"),
        (b"../.git/annex/objects/a", "git-annex"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (bytes(500), "zeros"),
        (b"a text", "is not a picture"),
        (encoded(".jpg", picture(7, 200))[:900], "cut short"),
        (encoded(".png", picture(7, 200))[:900], "cut short"),
        (encoded(".webp", picture(7, 200))[:300], "cut short"),
    ],
)
def test_what_is_no_picture_is_named_by_its_cause(data, why):
    with pytest.raises(UnreadablePicture, match=why):
        decode(data, WHOLE)


def test_a_changed_byte_in_a_png_is_noticed():
    data = bytearray(encoded(".png", picture(8, 200)))
    data[len(data) // 2] ^= 255
    with pytest.raises(UnreadablePicture, match="damaged"):
        decode(bytes(data), WHOLE)


@pytest.mark.parametrize("factor", [1, 1 / 255])
def test_fractions_are_taken_for_grey_levels(factor):
    levels = np.float32([[0, 128], [200, 255]])
    assert (array_as_rgb(levels * factor)[:, :, 0] == levels).all()
