"""What people do to pictures, drawn with Pillow and scipy: none of the detector's own code."""

import io

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from scipy import ndimage


def mirrored(picture, rng):
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def upside_down(picture, rng):
    return picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def quarter_turn(picture, rng):
    return picture.transpose(Image.Transpose.ROTATE_90)


def half_turn(picture, rng):
    return picture.transpose(Image.Transpose.ROTATE_180)


def keras_like(picture, rng):
    """ImageDataGenerator: 15 degrees, 10 % shift and zoom, mirrored half of the time, reflected."""
    values = np.asarray(picture, np.float32)
    height, width = values.shape[:2]
    angle = np.deg2rad(rng.uniform(-15, 15))
    rows, columns = rng.uniform(0.9, 1.1, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([rows, columns])
    middle = (np.array([height, width]) - 1) / 2
    shift = rng.uniform(-0.1, 0.1, 2) * (height, width)
    offset = middle - matrix @ middle + turn @ shift
    channels = []
    for k in range(3):
        plane = ndimage.affine_transform(values[..., k], matrix, offset, order=1, mode="mirror")
        channels.append(plane)
    moved = np.stack(channels, axis=-1)
    if rng.random() < 0.5:
        moved = moved[:, ::-1]
    return _picture(moved)


def torch_like(picture, rng):
    """RandomResizedCrop(.8 to 1), mirrored, RandomRotation(15) with black border, ColorJitter."""
    cropped = _random_crop(picture, rng, rng.uniform(0.8, 1), np.exp(rng.uniform(-0.28, 0.28)))
    if rng.random() < 0.5:
        cropped = mirrored(cropped, rng)
    turned = cropped.rotate(rng.uniform(-15, 15), Image.Resampling.BILINEAR)
    return jitter(turned, rng)


def crop(picture, rng):
    """Between 70 and 85 % of the area."""
    return _random_crop(picture, rng, rng.uniform(0.7, 0.85), 1.0)


def crop_hard(picture, rng):
    """70 % of both sides: half of the area."""
    return _random_crop(picture, rng, 0.49, 1.0)


def jitter(picture, rng):
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(rng.uniform(0.7, 1.3))
    return picture


def hue(picture, rng):
    bands = list(picture.convert("HSV").split())
    step = int(rng.integers(40, 216))
    bands[0] = bands[0].point(lambda value: (value + step) % 256)
    return Image.merge("HSV", bands).convert("RGB")


def grey(picture, rng):
    return picture.convert("L").convert("RGB")


def inverted(picture, rng):
    return ImageOps.invert(picture)


def noise(picture, rng):
    values = np.asarray(picture, np.float32)
    return _picture(values + rng.normal(0, 15, values.shape))


def blurred(picture, rng):
    return picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 80))


def jpeg_resized(picture, rng):
    width, height = picture.size
    factor = rng.uniform(0.4, 0.8)
    size = (max(24, round(width * factor)), max(24, round(height * factor)))
    stream = io.BytesIO()
    picture.resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=40)
    return Image.open(stream).convert("RGB")


def turned_30(picture, rng):
    return picture.rotate(30 * rng.choice([-1, 1]), Image.Resampling.BILINEAR)


def turned_45(picture, rng):
    return picture.rotate(45 * rng.choice([-1, 1]), Image.Resampling.BILINEAR)


def cutout(picture, rng):
    """A patch of 20 % of the area erased."""
    width, height = picture.size
    side = np.sqrt(0.2)
    left = rng.uniform(0, 1 - side) * width
    top = rng.uniform(0, 1 - side) * height
    copy = picture.copy()
    box = (left, top, left + side * width, top + side * height)
    ImageDraw.Draw(copy).rectangle(box, fill=(0, 0, 0))
    return copy


def masked(picture, rng):
    """A light polygon over the lower middle, as masks are pasted on faces."""
    width, height = picture.size
    corners = ((0.25, 0.5), (0.75, 0.5), (0.8, 0.75), (0.5, 0.95), (0.2, 0.75))
    points = [(x * width, y * height) for x, y in corners]
    copy = picture.copy()
    ImageDraw.Draw(copy).polygon(points, fill=(170, 200, 220))
    return copy


def framed(picture, rng):
    return ImageOps.expand(picture, round(max(picture.size) * 0.08), (20, 20, 20))


def watermarked(picture, rng):
    width, height = picture.size
    layer = Image.new("L", (160, 40), 0)
    ImageDraw.Draw(layer).text((10, 10), "stock picture", fill=160)
    layer = layer.resize((width, max(1, height // 4)))
    mark = Image.new("L", picture.size, 0)
    mark.paste(layer, (0, height * 3 // 8))
    return ImageChops.screen(picture, mark.convert("RGB"))


def perspective(picture, rng):
    width, height = picture.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    moved = corners + rng.uniform(-0.08, 0.08, (4, 2)) * (width, height)
    rows = []
    for (x, y), (u, v) in zip(corners, moved):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solution = np.linalg.solve(np.array(rows), moved.ravel())
    data = tuple(solution)
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR
    )


def elastic(picture, rng):
    values = np.asarray(picture, np.float32)
    height, width = values.shape[:2]
    side = max(height, width)
    field = rng.normal(0, 1, (2, height, width))
    shift = [ndimage.gaussian_filter(plane, side * 0.08) for plane in field]
    scaled = [plane / np.abs(plane).max() * side * 0.025 for plane in shift]
    rows, columns = np.mgrid[:height, :width]
    places = [rows + scaled[0], columns + scaled[1]]
    planes = []
    for k in range(3):
        planes.append(ndimage.map_coordinates(values[..., k], places, order=1, mode="mirror"))
    return _picture(np.stack(planes, axis=-1))


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _random_crop(picture, rng, area: float, shape: float) -> Image.Image:
    width, height = picture.size
    crop_width = min(1.0, np.sqrt(area * shape))
    crop_height = min(1.0, np.sqrt(area / shape))
    left = rng.uniform(0, 1 - crop_width) * width
    top = rng.uniform(0, 1 - crop_height) * height
    box = (left, top, left + crop_width * width, top + crop_height * height)
    return picture.resize(picture.size, Image.Resampling.BILINEAR, box=box)


KINDS = {
    "mirrored": mirrored,
    "upside down": upside_down,
    "quarter turn": quarter_turn,
    "half turn": half_turn,
    "Keras-like": keras_like,
    "torch-like": torch_like,
    "crop": crop,
    "crop to half": crop_hard,
    "jitter": jitter,
    "hue": hue,
    "grey": grey,
    "inverted": inverted,
    "noise": noise,
    "blurred": blurred,
    "JPEG, resized": jpeg_resized,
    "turned by 30": turned_30,
    "turned by 45": turned_45,
    "cutout": cutout,
    "mask": masked,
    "frame": framed,
    "watermark": watermarked,
    "perspective": perspective,
    "elastic": elastic,
}
