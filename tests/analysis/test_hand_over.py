"""Hands trained networks over: timm loads the weights by the name and arguments in analysis/README.md and computes the
program's logits. The examples there run as they are.

`incubate import` finishes a training with random weights. The large networks have their width and patches, but two
blocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from timm.models import VisionTransformer
from torch.nn import functional

import launch
import to_onnx
from exported_network import load_network, load_transform, read_config
from parity import Tensors, read, relative_error, write
from readme import read_examples
from reference_resnet import make_resnet110, state_of
from timm_networks import NETWORKS, Network, read_timm_networks

TOLERANCE = 1e-5
CIFAR_RECORD_BYTES = 2 + 3 * 32 * 32
CLASSES = [100, 1000]
TIMM = read_timm_networks()
RESNET = Network("resnet110", shape=(3, 32, 100))
# test_parity_network has the logits of every preset; these differ in what a file is made of: size, arguments, classes.
HANDED_OVER = ["vit_b16", "vit_h14", "deit_t32"]


@pytest.fixture(scope="module", autouse=True)
def spare_first_weights() -> Iterator[None]:
    """Skips timm's slow first weights; a file replaces them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timm, "create_model", partial(timm.create_model, weight_init="skip"))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Returns colour images of so many classes: a run needs a set, even if all its trainings are imported."""
    folder = tmp_path_factory.mktemp("data")
    for split in ("train", "validation"):
        (folder / split).write_bytes(np.zeros(2 * CIFAR_RECORD_BYTES, np.uint8).tobytes())
    sources = [f"--{split}-files={folder / split}" for split in ("train", "validation")]

    def pack(num_classes: int) -> Path:
        names = ",".join(f"class_{i}" for i in range(num_classes))
        output = folder / f"{num_classes}.h5"
        launch.run_well("pack", "--format=cifar", *sources, f"--class-names={names}", f"--output={output}")
        return output

    return {num_classes: pack(num_classes) for num_classes in CLASSES}


@dataclass(frozen=True)
class HandedOver:
    """The files of `incubate export` for a training, and the program's results with it."""

    file: Path
    folder: Path
    images: torch.Tensor
    logits: torch.Tensor


def hand_over(network: Network, weights: Tensors, data: Path, folder: Path) -> HandedOver:
    """Finishes a training with `weights` and exports it: the same weights, bit for bit."""
    given, file, batch, output = (folder / f"{name}.safetensors" for name in ("given", "exported", "batch", "output"))
    write(given, weights)
    run = folder / "run"
    model = [f"--model.preset={network.preset}", *network.settings]
    arguments = [*model, f"--data.file={data}", f"--run.directory={run}", "--training=finetuned"]
    arguments += ["--batch.global=2", "--recipe.micro=2", "--recipe.crop=resized"]
    launch.run_well("import", *arguments, f"--input={given}")
    launch.run_well("export", *arguments, f"--output={file}")
    launch.run_well("export", *arguments, f"--output={folder / 'exported'}")
    assert (folder / "exported" / "model.safetensors").read_bytes() == file.read_bytes()
    given.unlink()
    (run / "checkpoints" / "finetuned.h5").unlink()
    exported = read(file)
    assert exported.keys() == weights.keys()
    for name, values in weights.items():
        assert torch.equal(exported[name], values), name
    channels, side, _ = network.shape
    images = torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(2))
    write(batch, {"images": images})
    launch.probe("evaluation", *model, f"--weights={file}", f"--batch={batch}", f"--output={output}")
    return HandedOver(file, folder / "exported", images, read(output)["logits"])


def make_weights(network: Network) -> Tensors:
    """Returns random weights, each away from values without effect."""
    theirs = TIMM[network.preset]
    with torch.device("meta"):
        shapes = timm.create_model(theirs.name, **theirs.arguments | network.arguments).state_dict()
    generator = torch.Generator().manual_seed(1)
    weights = {name: 0.02 * torch.randn(tensor.shape, generator=generator) for name, tensor in shapes.items()}
    for name in weights:
        if "norm" in name and name.endswith(".weight"):
            weights[name] += 1
    return weights


@pytest.fixture(scope="module")
def handed_over(
    data: dict[int, Path], pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Future[HandedOver]]:
    """Hands over all networks at once: most of the time goes into starts."""

    def begin(preset: str, network: Network, make: Callable[[], Tensors]) -> Future[HandedOver]:
        folder = tmp_path_factory.mktemp(preset)
        return pool.submit(lambda: hand_over(network, make(), data[network.shape[2]], folder))

    resnet = state_of(make_resnet110())
    futures = {RESNET.preset: begin(RESNET.preset, RESNET, lambda: resnet)}
    for preset in HANDED_OVER:
        network = NETWORKS[preset]
        futures[preset] = begin(preset, network, partial(make_weights, network))
    return futures


def evaluate(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model.eval()(images)
    return logits


def test_every_preset_is_in_the_table() -> None:
    help_text = " ".join(launch.run_well("train", "--help").stdout.split())
    presets = help_text.split(" custom: none. One of ")[1].split(" (default")[0].split(", ")
    assert {*presets} == {"custom", *TIMM, RESNET.preset}


@pytest.mark.parametrize("preset", HANDED_OVER)
def test_timm_has_the_network_under_its_own_name(preset: str, handed_over: dict[str, Future[HandedOver]]) -> None:
    ours, theirs = handed_over[preset].result(), TIMM[preset]
    arguments = theirs.arguments | NETWORKS[preset].arguments
    model = timm.create_model(theirs.name, checkpoint_path=ours.file, **arguments)
    assert relative_error(ours.logits, evaluate(model, ours.images)) <= TOLERANCE


@pytest.mark.parametrize("preset", [*HANDED_OVER, RESNET.preset])
def test_a_folder_says_all_of_its_network(preset: str, handed_over: dict[str, Future[HandedOver]]) -> None:
    """timm, or our loader where timm has no such network, needs nothing but the folder."""
    ours = handed_over[preset].result()
    network = load_network(ours.folder)
    assert relative_error(ours.logits, evaluate(network, ours.images)) <= TOLERANCE
    config = read_config(ours.folder)
    channels, side, classes = (NETWORKS.get(preset) or RESNET).shape
    assert config["pretrained_cfg"]["input_size"] == [channels, side, side]
    assert config["label_names"] == [f"class_{i}" for i in range(classes)]
    assert config["incubate"]["training"] == "finetuned"
    assert config["incubate"]["validation"] == {}  # imported weights were not evaluated
    transform = load_transform(ours.folder)
    assert transform.transforms[0].size == int(side / 0.875)
    assert transform.transforms[-1].mean.tolist() == pytest.approx([0.485, 0.456, 0.406])
    if preset != RESNET.preset:
        theirs = timm.create_model(f"local-dir:{ours.folder}", pretrained=True)
        assert torch.equal(evaluate(theirs, ours.images), evaluate(network, ours.images))


@pytest.mark.parametrize("preset", TIMM)
def test_config_json_describes_the_network_of_each_preset(preset: str) -> None:
    """Heads and epsilon, which have no weights, too."""
    config = json.loads(launch.probe("timm", f"--model.preset={preset}", "--batch.global=1", "--recipe.micro=1"))
    with torch.device("meta"):
        ours = timm.create_model(config["architecture"], num_classes=config["num_classes"], **config["model_args"])
        theirs = timm.create_model(TIMM[preset].name, **TIMM[preset].arguments)
    assert str(ours) == str(theirs)
    assert [block.attn.num_heads for block in ours.blocks] == [block.attn.num_heads for block in theirs.blocks]
    assert {name: x.shape for name, x in ours.state_dict().items()} == {
        name: x.shape for name, x in theirs.state_dict().items()
    }


@pytest.mark.parametrize("preset", ["deit_t32", RESNET.preset])
def test_onnx_has_the_logits(preset: str, handed_over: dict[str, Future[HandedOver]], tmp_path: Path) -> None:
    ours, output = handed_over[preset].result(), tmp_path / "network.onnx"
    output.write_bytes(b"\x08")  # an output of its own is replaced
    outcome = launch.call(to_onnx.main, ours.folder, output)
    assert outcome.status == 0, outcome
    session = onnxruntime.InferenceSession(output)
    assert json.loads(session.get_modelmeta().custom_metadata_map["config.json"]) == read_config(ours.folder)
    for num_images in (1, 2):
        (logits,) = session.run(["logits"], {"images": ours.images[:num_images].numpy()})
        assert relative_error(torch.from_numpy(logits), ours.logits[:num_images]) <= TOLERANCE
    assert launch.call(to_onnx.main, tmp_path / "none", output).status == 2


def run_examples(examples: list[str]) -> Iterator[dict[str, Any]]:
    """Runs the examples one after the other. Yields the names that they have set, after each."""
    names: dict[str, Any] = {}
    for code in examples:
        exec(code, names)
        yield names


def test_examples_of_loading(
    handed_over: dict[str, Future[HandedOver]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vit_b, resnet = handed_over["vit_b16"].result(), handed_over["resnet110"].result()
    (tmp_path / "vit-b.safetensors").symlink_to(vit_b.file)
    (tmp_path / "resnet110.safetensors").symlink_to(resnet.file)
    monkeypatch.chdir(tmp_path)
    names = run_examples(read_examples("Trained networks in timm"))
    assert relative_error(vit_b.logits, evaluate(next(names)["model"], vit_b.images)) <= TOLERANCE
    assert relative_error(resnet.logits, evaluate(next(names)["model"], resnet.images)) <= TOLERANCE
    resize, _, _, normalise = next(names)["prepare"].transforms
    assert resize.size == 256  # which the program's evaluation equals: test_image_ops.py
    assert normalise.mean.tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert next(names, None) is None
    (tmp_path / "vit-b").symlink_to(vit_b.folder)
    (example,) = run_examples(read_examples("Folders for timm, and ONNX"))
    assert relative_error(vit_b.logits, evaluate(example["model"], vit_b.images)) <= TOLERANCE
    assert example["transform"].transforms[0].size == 256
    assert example["labels"][999] == "class_999"


def maps_of(model: VisionTransformer, images: torch.Tensor) -> list[torch.Tensor]:
    """Returns the outputs of blocks at each quarter of the depth, recorded by hooks."""
    maps = []

    def catch(block: object, inputs: object, tokens: torch.Tensor) -> None:
        rows, columns = (side // 16 for side in images.shape[2:])
        maps.append(tokens[:, 1:].transpose(1, 2).reshape(1, -1, rows, columns))

    handles = [model.blocks[i].register_forward_hook(catch) for i in (2, 5, 8, 11)]
    evaluate(model, images)
    for handle in handles:
        handle.remove()
    return maps


def assert_same_maps(maps: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert len(maps) == len(expected) == 4
    for ours, theirs in zip(maps, expected, strict=True):
        assert torch.equal(ours, theirs)


def test_examples_of_feature_maps(
    handed_over: dict[str, Future[HandedOver]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = handed_over["vit_b16"].result().file
    (tmp_path / "vit-b.safetensors").symlink_to(file)
    monkeypatch.chdir(tmp_path)
    model = timm.create_model("vit_base_patch16_224", checkpoint_path=file)
    names = run_examples(read_examples("Feature maps for dense prediction"))

    first = next(names)
    expected = maps_of(model, first["images"])
    assert_same_maps(first["maps"], expected)
    assert [x.shape for x in first["maps"]] == [(1, 768, 14, 14)] * 4
    assert [x.shape[2:] for x in next(names)["pyramid"]] == [(56, 56), (28, 28), (14, 14), (7, 7)]
    assert_same_maps(next(names)["maps"], expected)

    resized = next(names)
    assert [x.shape for x in resized["maps"]] == [(1, 768, 16, 24)] * 4
    grid = read(file)["pos_embed"][:, 1:].transpose(1, 2).reshape(1, 768, 14, 14)
    larger = functional.interpolate(grid, (16, 24), mode="bicubic", antialias=True)
    assert torch.equal(resized["model"].pos_embed[:, 1:], larger.flatten(2).transpose(1, 2))
    assert_same_maps(resized["maps"], maps_of(resized["model"], resized["images"]))
    assert next(names, None) is None


def test_what_else_is_said_of_feature_maps(tmp_path: Path) -> None:
    """Other sizes, checks and optional arguments work too, with a smaller network."""
    file, name, indices, side = tmp_path / "f.safetensors", TIMM["deit_ti"].name, [2, 5, 8, 11], (64, 96)
    weights = make_weights(NETWORKS["deit_ti"])
    write(file, weights)
    images = torch.randn(1, 3, *side)
    backbone = {"features_only": True, "out_indices": indices, "pretrained": True}
    backbone["pretrained_cfg_overlay"] = {"file": str(file)}

    model = timm.create_model(name, checkpoint_path=file)
    model.set_input_size(img_size=side)
    expected = maps_of(model, images)
    dynamic = timm.create_model(name, checkpoint_path=file, dynamic_img_size=True)
    assert_same_maps(dynamic.forward_intermediates(images, indices=indices, intermediates_only=True), expected)
    assert_same_maps(timm.create_model(name, img_size=side, **backbone)(images), expected)
    model.prune_intermediate_layers(indices, prune_norm=True)
    assert_same_maps(model.forward_intermediates(images, indices=indices, intermediates_only=True), expected)
    assert not [n for n, _ in model.named_parameters() if n.startswith(("norm.", "head."))]

    with pytest.raises(RuntimeError, match="size mismatch for pos_embed"):
        timm.create_model(name, checkpoint_path=file, img_size=side)
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \"model.cls_token\""):
        timm.create_model(name, checkpoint_path=file, features_only=True)
    write(file, {name: values for name, values in weights.items() if name != "blocks.3.norm1.weight"})
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \"blocks.3.norm1.weight\""):
        timm.create_model(name, checkpoint_path=file)
    timm.create_model(name, **backbone)
