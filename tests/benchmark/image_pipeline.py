"""Measures how fast one core makes training images of JPEG files: incubate beside PIL with timm and torchvision's v2.

    tests/benchmark/image_pipeline.py [--repeats 5] [--images 100]

Each side makes batches of 224 x 224 images in bytes, which a GPU normalises, of the same JPEG files in memory (about
500 x 375 pixels, quality 90, made here): a random resized crop (scale 0.08 .. 1, bicubic), mirrored or not, with and
without RandAugment. One thread, no other process. Repeats alternate between the programs. Medians of CPU time are
compared, because other load on the machine disturbs it less than wall-clock time. Prints a table and appends to
runs/benchmark.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import PIL
import timm.data
import torch
from numpy.typing import NDArray
from PIL import Image
from timm.data import auto_augment
from torch.utils.data import DataLoader, Dataset

try:
    import torchvision
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms import v2
except ImportError as error:  # installed with the tests' packages
    sys.exit(f"image_pipeline: torchvision is missing ({error}). Run jobscripts/setup.sh --tests.")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import launch
from results import RESULTS, append_results

PROGRAM = launch.BUILD / "tests" / "image_pipeline"
SIDE = 224
BATCH = 64
POLICY = "rand-m9-mstd0.5-inc1"
Seconds = tuple[float, float]  # wall-clock and CPU time per image


def make_photo(generator: np.random.Generator) -> NDArray[np.uint8]:
    """Returns light and shade, objects with edges and textures (with the spectrum of photographs), and some noise."""
    height, width = int(generator.integers(333, 420)), int(generator.integers(440, 560))
    rows, columns = np.mgrid[0:height, 0:width]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    frequency[0, 0] = 1

    def texture(roughness: float) -> NDArray[np.float64]:
        plane = np.fft.ifft2(np.fft.fft2(generator.normal(size=(height, width))) / frequency**roughness).real
        return np.asarray((plane - plane.mean()) / plane.std(), np.float64)

    slope = generator.normal(size=(2, 3)) * 60
    photo = 120 + slope[0] * (rows[..., None] / height - 0.5) + slope[1] * (columns[..., None] / width - 0.5)
    photo = photo + 25 * texture(1.4)[..., None] + 8 * np.stack([texture(1.6) for _ in range(3)], axis=-1)
    for _ in range(8):
        centre, radius = generator.uniform(0, 1, 2) * (height, width), generator.uniform(20, 140, 2)
        inside = np.hypot((rows - centre[0]) / radius[0], (columns - centre[1]) / radius[1]) < 1
        surface = (
            generator.uniform(20, 235, 3) + generator.uniform(2, 25) * texture(generator.uniform(0.8, 2))[..., None]
        )
        photo = np.where(inside[..., None], surface, photo)
    pixels: NDArray[np.uint8] = np.clip(photo + generator.normal(size=photo.shape) * 5, 0, 255).astype(np.uint8)
    return pixels


def make_files(count: int) -> list[bytes]:
    generator = np.random.default_rng(0)
    files = []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(make_photo(generator)).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    return files


class Transformed(Dataset[torch.Tensor]):
    def __init__(self, files: list[bytes], transform: Callable[[bytes], torch.Tensor]):
        self.files, self.transform = files, transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(self.files[index])


def posterize(image: Image.Image, bits: int, **arguments: object) -> Image.Image:
    """timm's operation, which may draw 0 bits: Pillow made a black image of it, and now refuses."""
    result: Image.Image = auto_augment.posterize(image, bits, **arguments) if bits > 0 else image.point(lambda _: 0)
    return result


def make_timms(policy: str | None) -> Callable[[bytes], torch.Tensor]:
    auto_augment.NAME_TO_OP["PosterizeIncreasing"] = posterize
    transform = timm.data.create_transform(
        SIDE,
        is_training=True,
        scale=(0.08, 1),
        hflip=0.5,
        color_jitter=None,
        auto_augment=policy,
        interpolation="bicubic",
        re_prob=0,
        use_prefetcher=True,  # bytes
    )

    def decode_and_transform(file: bytes) -> torch.Tensor:
        with Image.open(io.BytesIO(file)) as image:
            return torch.from_numpy(transform(image.convert("RGB")))

    return decode_and_transform


def make_torchvisions(policy: str | None) -> Callable[[bytes], torch.Tensor]:
    bicubic = v2.InterpolationMode.BICUBIC
    steps = [
        v2.RandomResizedCrop(SIDE, scale=(0.08, 1), interpolation=bicubic, antialias=True),
        v2.RandomHorizontalFlip(),
        *([v2.RandAugment(num_ops=2, magnitude=9, interpolation=v2.InterpolationMode.BILINEAR)] if policy else []),
    ]
    transform = v2.Compose(steps)

    def decode_and_transform(file: bytes) -> torch.Tensor:
        encoded = torch.frombuffer(bytearray(file), dtype=torch.uint8)
        result: torch.Tensor = transform(decode_jpeg(encoded, mode=ImageReadMode.RGB))
        return result

    return decode_and_transform


def time_peer(files: list[bytes], transform: Callable[[bytes], torch.Tensor]) -> Seconds:
    loader = DataLoader(Transformed(files, transform), batch_size=BATCH, num_workers=0, shuffle=False)
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in loader:
        assert batch.shape[1:] == (3, SIDE, SIDE) and batch.dtype == torch.uint8
    return (time.perf_counter() - wall) / len(files), (time.process_time() - cpu) / len(files)


def time_ours(folder: Path, policy: str | None) -> Seconds:
    words = [str(PROGRAM), str(folder), str(SIDE), policy or "none", "3"]
    done = json.loads(subprocess.run(words, check=True, capture_output=True, text=True, timeout=600).stdout)
    return done["wall_s"] / done["images"], done["cpu_s"] / done["images"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    files = make_files(options.images)
    print(f"{len(files)} images of {statistics.mean(map(len, files)) / 1000:.1f} kB in the mean")
    results: list[dict[str, object]] = []
    print(
        f"{'':28}{'incubate':>20}{'PIL and timm':>20}{'torchvision v2':>20}"
        "   (images a second of CPU time; of the clock)"
    )
    with tempfile.TemporaryDirectory() as name:
        for index, file in enumerate(files):
            (Path(name) / f"{index:04}.jpg").write_bytes(file)
        for policy in (None, POLICY):
            programs: dict[str, Callable[[], Seconds]] = {
                "incubate": partial(time_ours, Path(name), policy),
                "timm": partial(time_peer, files, make_timms(policy)),
                "torchvision": partial(time_peer, files, make_torchvisions(policy)),
            }
            seconds: dict[str, list[Seconds]] = {program: [] for program in programs}
            for repeat in range(options.repeats + 1):
                for program, run in programs.items():
                    measured = run()
                    if repeat > 0:  # the first one warms up
                        seconds[program].append(measured)
            wall, cpu = ({p: 1 / statistics.median(s[i] for s in all) for p, all in seconds.items()} for i in (0, 1))
            work = f"images a second and core, {policy or 'no RandAugment'}"
            print(f"{policy or 'no RandAugment':28}" + "".join(f"{cpu[p]:12.0f};{wall[p]:7.0f}" for p in programs))
            settings = {
                "timm": f"PIL {PIL.__version__}, timm {timm.__version__}, DataLoader, num_workers=0, 1 thread",
                "torchvision": f"torchvision {torchvision.__version__} decode_jpeg and v2, num_workers=0, 1 thread"
                + (", its own RandAugment (2 operations, always, bilinear: it has no bicubic)" if policy else ""),
            }
            for peer, setting in settings.items():
                ratio = cpu["incubate"] / cpu[peer]
                print(f"{'':28}{ratio:.2f} times {peer}")
                results.append(
                    {"work": work, "ours": cpu["incubate"], "peer": cpu[peer], "peer_setting": setting, "ratio": ratio}
                )
        for policy in ("none", POLICY):
            words = [str(PROGRAM), "profile", name, str(SIDE), policy]
            stages = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            print(f"milliseconds an image of each stage, RandAugment {policy}:")
            for stage, value in stages.items():
                print(f"  {stage:24} {value:.3f}")
    append_results(options.output, results)


if __name__ == "__main__":
    main()
