"""The image operations equal Pillow's and timm's, and random choices have the same distribution.

`image_ops` (tests/vision/image_ops.cpp) runs one operation on a raw image, or prints random choices.
"""

from __future__ import annotations

import io
import math
import random
import subprocess
from functools import cache

import matplotlib.cbook
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy import stats
from timm.data import auto_augment, transforms_factory
from timm.data.random_erasing import RandomErasing
from timm.data.transforms import RandomResizedCropAndInterpolation
from torchvision.transforms import functional

import launch

Pixels = NDArray[np.uint8]
PROGRAM = launch.BUILD / "tests" / "image_ops"
FILL = (124, 116, 104)  # round(255 x ImageNet's mean)
# timm's names in the order of the program's numbers; where the severity need not increase the second list.
INCREASING = auto_augment._RAND_INCREASING_TRANSFORMS
BY_OPERATION = auto_augment._RAND_TRANSFORMS
LEAST_P = 1e-4  # seeds are fixed: a test passes always or never


def make_photo(height: int, width: int, channels: int, seed: int = 0) -> Pixels:
    """Returns noise with photographs' spectrum (amplitude 1/frequency), smooth regions, an edge, saturated parts."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    frequency[0, 0] = 1
    spectrum = generator.normal(size=(channels, height, width)) + 1j * generator.normal(size=(channels, height, width))
    planes = np.fft.ifft2(spectrum / frequency).real
    planes = planes + planes.mean(axis=0)  # colours go together, in part
    planes = planes / planes.std() * 70 + generator.uniform(90, 160, size=(channels, 1, 1))
    planes[:, height // 3 : height // 2, width // 4 : width // 2] += 90
    pixels: Pixels = np.clip(planes, 0, 255).astype(np.uint8).transpose(1, 2, 0).copy()
    return pixels


def read_portrait() -> Pixels:
    """Returns a photograph that comes with Matplotlib, 600 x 512 pixels in colour."""
    with Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as image:
        return np.asarray(image.convert("RGB"))


@cache
def photos() -> dict[str, Pixels]:
    photos = {
        "colour": make_photo(97, 131, 3),
        "grey": make_photo(64, 53, 1, seed=1),
        "tiny": make_photo(7, 5, 3, seed=2),
        "flat": np.full((20, 30, 3), (200, 3, 90), np.uint8),
        "dull": (make_photo(80, 60, 3, seed=3) // 4 + 70).astype(np.uint8),
        "portrait": read_portrait(),
    }
    return photos


def to_pillow(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])


def from_pillow(image: Image.Image) -> Pixels:
    pixels: Pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def run(operation: str, pixels: Pixels, *parameters: float, size: tuple[int, int] | None = None) -> Pixels:
    words = [str(PROGRAM), operation, *map(str, pixels.shape), *map(repr, parameters)]
    done = subprocess.run(words, input=pixels.tobytes(), capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr.decode()
    height, width = size or pixels.shape[:2]
    return np.frombuffer(done.stdout, np.uint8).reshape(height, width, pixels.shape[2])


def draw(what: str, count: int, *parameters: object) -> NDArray[np.float64]:
    words = [str(PROGRAM), "draw", what, str(count), *map(str, parameters)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True)
    return np.array([[float(word) for word in line.split()] for line in done.stdout.splitlines()])


def assert_same(ours: Pixels, theirs: Pixels) -> None:
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert difference.max() == 0, f"{np.mean(difference > 0):.2%} differ, by up to {difference.max()}"


# --- Resizing --------------------------------------------------------------------------------------------------------

BOXES = [(0, 0, 97, 131), (10, 20, 60, 50), (0, 3, 97, 17), (96, 130, 1, 1), (5, 0, 32, 131)]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("size", [(32, 32), (97, 131), (224, 200), (1, 3), (97, 40), (40, 131)])
def test_resize_of_a_box(box: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    top, left, height, width = box
    pixels = photos()["colour"]
    theirs = to_pillow(pixels).resize(size[::-1], Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    assert_same(run("resize", pixels, *box, *size, size=size), from_pillow(theirs))


def test_resize_of_random_boxes() -> None:
    """Boxes cover every regime of shrinking and growing, in which the order of the two passes differs."""
    generator = np.random.default_rng(7)
    for _ in range(150):
        height, width, *size = (int(n) for n in generator.integers(4, 70, 4))
        pixels = generator.integers(0, 256, (height, width, 3)).astype(np.uint8)
        box_height, box_width = int(generator.integers(1, height + 1)), int(generator.integers(1, width + 1))
        top, left = (
            int(generator.integers(0, height - box_height + 1)),
            int(generator.integers(0, width - box_width + 1)),
        )
        theirs = to_pillow(pixels).resize(
            (size[1], size[0]), Image.Resampling.BICUBIC, (left, top, left + box_width, top + box_height)
        )
        ours = run("resize", pixels, top, left, box_height, box_width, *size, size=(size[0], size[1]))
        assert_same(ours, from_pillow(theirs))


@pytest.mark.parametrize("side", [8, 32, 50, 224])
@pytest.mark.parametrize(
    ("name", "box"),
    [*(("colour", box) for box in BOXES), ("portrait", (0, 0, 600, 512)), ("portrait", (91, 37, 300, 259))],
)
def test_resized_crop(name: str, box: tuple[int, int, int, int], side: int) -> None:
    pixels = photos()[name]
    theirs = functional.resized_crop(
        to_pillow(pixels), *box, [side, side], interpolation=functional.InterpolationMode.BICUBIC
    )
    assert_same(run("resized_crop", pixels, *box, side, size=(side, side)), from_pillow(theirs))


@pytest.mark.parametrize("name", ["colour", "grey", "tiny", "dull", "portrait"])
@pytest.mark.parametrize(("side", "fraction"), [(32, 0.875), (224, 0.875), (28, 0.875), (33, 0.9), (40, 1.0)])
def test_evaluation_crop(name: str, side: int, fraction: float) -> None:
    pixels = photos()[name]
    transform = transforms_factory.transforms_imagenet_eval(
        side, crop_pct=fraction, interpolation="bicubic", use_prefetcher=True
    )
    theirs = transform(to_pillow(pixels)).numpy().transpose(1, 2, 0)
    assert_same(run("evaluation_crop", pixels, side, fraction, size=(side, side)), theirs)


def test_mirror() -> None:
    for pixels in photos().values():
        assert_same(run("mirror", pixels), pixels[:, ::-1])


# --- Colour and RandAugment ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["colour", "grey", "tiny", "flat", "dull", "portrait"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("factors", [(0.6, 1.4, 1.2), (1.31, 0.77, 0.613)])
def test_jitter(name: str, order: tuple[int, ...], factors: tuple[float, ...]) -> None:
    pixels = photos()[name]
    theirs = to_pillow(pixels)
    kinds = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for index in order:
        theirs = kinds[index](theirs).enhance(factors[index])
    assert_same(run("jitter", pixels, *factors, *order), from_pillow(theirs))


def apply_timms(name: str, image: Image.Image, magnitude: float, negative: bool) -> Image.Image:
    """Returns timm's operation with its coin on a chosen side."""
    grey = image.mode == "L"
    parameters = {
        "img_mean": FILL[0] if grey else FILL,
        "interpolation": Image.Resampling.BICUBIC,
        "translate_const": 100,
    }
    if name.startswith("Posterize") and auto_augment.LEVEL_TO_ARG[name](magnitude, {})[0] == 0:
        return Image.new(image.mode, image.size)  # no bits are kept; new versions of Pillow refuse to do so
    operation = auto_augment.AugmentOp(name, prob=1.0, magnitude=magnitude, hparams=parameters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "random", lambda: 0.75 if negative else 0.25)
        result: Image.Image = operation(image)
    return result


@pytest.mark.parametrize("increasing", [True, False])
@pytest.mark.parametrize("number", range(len(INCREASING)))
@pytest.mark.parametrize("name", ["colour", "grey", "tiny", "flat", "dull", "portrait"])
def test_operation_of_rand_augment(name: str, number: int, increasing: bool) -> None:
    pixels = photos()[name]
    timms_name = (INCREASING if increasing else BY_OPERATION)[number]
    for magnitude, negative in [(0, False), (3.3, False), (5, True), (8.71, True), (9.2, False), (10, True)]:
        theirs = apply_timms(timms_name, to_pillow(pixels), magnitude, negative)
        ours = run("step", pixels, number, float(magnitude), int(negative), int(increasing), *FILL)
        assert_same(ours, from_pillow(theirs))


# --- Files -----------------------------------------------------------------------------------------------------------


def decode(file: bytes, *parameters: int) -> Pixels:
    words = [str(PROGRAM), "decode", *map(str, parameters)]
    done = subprocess.run(words, input=file, capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr.decode()
    size, pixels = done.stdout.split(b"\n", 1)
    height, width = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read_rgb(file: bytes) -> Pixels:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", ["colour", "tiny", "flat", "portrait"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 92])
def test_decoding_of_jpeg(name: str, mode: str, progressive: bool, quality: int) -> None:
    image = to_pillow(photos()[name]).convert(mode)
    for subsampling in ["4:4:4", "4:2:2", "4:2:0"] if mode == "RGB" else [-1]:
        file = save(image, "JPEG", quality=quality, progressive=progressive, subsampling=subsampling)
        assert_same(decode(file), read_rgb(file))


@pytest.mark.parametrize("name", ["colour", "tiny", "portrait"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_decoding_of_png(name: str, mode: str) -> None:
    image = to_pillow(photos()[name])
    if mode.endswith("A"):
        image.putalpha(to_pillow(photos()[name][:, :, :1]))  # ignored, so that all colours are seen
    file = save(image.convert(mode), "PNG")
    assert_same(decode(file), read_rgb(file))
    assert_same(decode(file, 1, 2, 4, 3), read_rgb(file)[1:5, 2:5])
    transparent = save(image.convert(mode), "PNG", transparency=0) if mode in ("L", "P") else file
    assert_same(decode(transparent), read_rgb(transparent))


@pytest.mark.parametrize("quality", [50, 90])
def test_encoding_of_jpeg(quality: int) -> None:
    """JPEG files are as good as Pillow's at the same quality: tables, subsampling and rounding are equal."""
    for name in ["colour", "portrait"]:
        pixels = photos()[name]
        words = [str(PROGRAM), "encode", *map(str, pixels.shape), str(quality)]
        file = subprocess.run(words, input=pixels.tobytes(), capture_output=True, timeout=20, check=True).stdout
        assert_same(read_rgb(file), read_rgb(save(to_pillow(pixels), "JPEG", quality=quality)))


@pytest.mark.parametrize(
    ("top", "left", "height", "width", "side", "scale"),
    [(0, 0, 1200, 1024, 224, 4), (160, 80, 800, 640, 224, 2), (400, 200, 512, 512, 128, 4)],
)
def test_decoding_at_a_smaller_scale(top: int, left: int, height: int, width: int, side: int, scale: int) -> None:
    """Fewer coefficients and then Pillow's filter come close to the filter alone."""
    file = save(to_pillow(photos()["portrait"]).resize((1024, 1200), Image.Resampling.BICUBIC), "JPEG", quality=90)
    part = decode(file, top, left, height, width, side, side)
    assert part.shape == (height // scale, width // scale, 3)
    ours = to_pillow(part).resize((side, side), Image.Resampling.BICUBIC)
    whole = to_pillow(read_rgb(file)).crop((left, top, left + width, top + height))
    theirs = whole.resize((side, side), Image.Resampling.BICUBIC)
    difference = np.abs(from_pillow(ours).astype(int) - from_pillow(theirs))
    print(f"1/{scale}: largest difference {difference.max()}, mean {difference.mean():.2f}")
    assert difference.max() <= 36
    assert difference.mean() <= 1.4


# --- Random choices --------------------------------------------------------------------------------------------------


def assert_uniform(counts: NDArray[np.int64]) -> None:
    assert stats.chisquare(counts).pvalue > LEAST_P, counts


def assert_share(count: int, total: int, share: float) -> None:
    assert stats.binomtest(count, total, share).pvalue > LEAST_P, (count, total, share)


def assert_same_distribution(ours: NDArray[np.float64], theirs: NDArray[np.float64], bins: int = 20) -> None:
    """Compares two samples by chi-square, in bins that hold about equally many of `theirs`."""
    edges = np.unique(np.quantile(theirs, np.linspace(0, 1, bins + 1))[1:-1])
    counts = [np.bincount(np.searchsorted(edges, sample), minlength=len(edges) + 1) for sample in (ours, theirs)]
    table = np.array(counts)[:, np.sum(counts, axis=0) > 0]
    assert stats.chi2_contingency(table).pvalue > LEAST_P, table


def test_draws_of_rand_augment() -> None:
    drawn = draw("rand_augment", 20_000, "rand-m9-mstd0.5-inc1").reshape(20_000, 2, 4)
    operation, applied, magnitude, negative = (drawn[:, :, i] for i in range(4))
    pairs = (operation[:, 0] * 15 + operation[:, 1]).astype(int)
    assert_uniform(np.bincount(pairs, minlength=225))
    assert_uniform(np.bincount((applied[:, 0] * 2 + applied[:, 1]).astype(int), minlength=4))
    assert_uniform(np.bincount((applied[:, 0] * 2 + negative[:, 0]).astype(int), minlength=4))
    generator = np.random.default_rng(0)
    assert_same_distribution(magnitude.ravel(), np.clip(generator.normal(9, 0.5, 40_000), 0, 10))
    assert magnitude.max() == 10


def test_options_of_rand_augment() -> None:
    drawn = draw("rand_augment", 5000, "rand-n3-p0.2-m4").reshape(5000, 3, 4)
    assert_share(int(drawn[:, :, 1].sum()), 15_000, 0.2)
    assert set(drawn[:, :, 2].ravel()) == {4}


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(97, 131, (0.08, 1)), (30, 100, (0.5, 1)), (64, 64, (0.2, 0.3)), (4, 5, (0.3, 1))]
)
def test_draws_of_the_resized_crop(height: int, width: int, scale: tuple[float, float]) -> None:
    def measure(boxes: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Returns area, aspect and relative position of each box."""
        top, left, box_height, box_width = boxes.T
        places = [top / np.maximum(1, height - box_height), left / np.maximum(1, width - box_width)]
        return [box_height * box_width, box_width / box_height, *places]

    count = 8000
    ours = draw("resized_crop", count, height, width, *scale)
    image = Image.new("L", (width, height))
    random.seed(0)
    theirs = np.array(
        [RandomResizedCropAndInterpolation.get_params(image, scale, (3 / 4, 4 / 3)) for _ in range(count)], np.float64
    )
    for our_measure, their_measure in zip(measure(ours), measure(theirs), strict=True):
        assert_same_distribution(our_measure, their_measure)


def test_fallback_of_the_resized_crop() -> None:
    boxes = draw("resized_crop", 20, 10, 200, 1, 1)  # no part of that area has a permitted aspect
    assert {tuple(box) for box in boxes} == {(0, 93, 10, 13)}
    boxes = draw("resized_crop", 20, 200, 10, 1, 1)
    assert {tuple(box) for box in boxes} == {(93, 0, 13, 10)}


def draw_timms_erasing(side: tuple[int, int], count: int) -> NDArray[np.float64]:
    """Returns the boxes that timm's RandomErasing fills, found by the changes; zeros without one."""
    random.seed(0)
    erasing = RandomErasing(0.25, mode="pixel", device="cpu")
    boxes = np.zeros((count, 4))
    for i in range(count):
        rows, columns = torch.where(erasing(torch.zeros(1, *side))[0] != 0)
        if len(rows):
            top, left = int(rows.min()), int(columns.min())
            boxes[i] = top, left, int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
    return boxes


def test_draws_of_erasing() -> None:
    count = 20_000
    ours = draw("erased_box", count, 64, 48, 0.25)
    assert_share(int((ours[:, 2] > 0).sum()), count, 0.25)
    theirs = draw_timms_erasing((64, 48), count)
    ours, theirs = ours[ours[:, 2] > 0], theirs[theirs[:, 2] > 0]
    assert_same_distribution(ours[:, 2] * ours[:, 3], theirs[:, 2] * theirs[:, 3])
    assert_same_distribution(ours[:, 2] / ours[:, 3], theirs[:, 2] / theirs[:, 3])
    assert_same_distribution(ours[:, 0], theirs[:, 0])
    assert_same_distribution(ours[:, 1], theirs[:, 1])


def test_draws_of_color_jitter() -> None:
    drawn = draw("color_jitter", 20_000, 0.4)
    for factor in drawn[:, :3].T:
        assert math.isclose(factor.min(), 0.6, abs_tol=1e-3)
        assert math.isclose(factor.max(), 1.4, abs_tol=1e-3)
        assert_uniform(np.histogram(factor, 20, (0.6, 1.4))[0])
    orders = np.unique(drawn[:, 3:], axis=0, return_counts=True)[1]
    assert len(orders) == 6
    assert_uniform(orders)
