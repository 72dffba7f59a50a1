"""Converts a folder of `incubate export` to ONNX, for any number of images at a time.

    incubate export runs/NAME/config.ini --training=finetuned --output=vit-b
    python analysis/to_onnx.py vit-b vit-b.onnx

The graph maps "images" (batch, channels, height, width), prepared as config.json says, to "logits" (batch, classes).
Its metadata hold config.json. Needs PyTorch, timm, onnx and onnxscript.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import onnx
import torch

from command_line.any_locale import start
from command_line.output_file import OutputError, check_output
from exported_network import load_network, read_config


def convert(folder: Path, output: Path) -> None:
    config = read_config(folder)
    size = config["pretrained_cfg"]["input_size"]
    images = torch.zeros(2, *size)
    program = torch.onnx.export(
        load_network(folder),
        (images,),
        dynamo=True,
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, {"config.json": json.dumps(config)})
    onnx.save(model, output)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Converts a folder of 'incubate export' to ONNX.")
    parser.add_argument("folder", type=Path, help="with config.json and model.safetensors")
    parser.add_argument("output", type=Path, help="ONNX file to write")
    options = parser.parse_args(arguments)
    try:
        check_output(options.output, "ONNX model")
        convert(options.folder, options.output)
    except (OSError, OutputError, ValueError) as error:
        print(f"to_onnx: {error}", file=sys.stderr)
        return 2
    print(f"{options.output} written")
    return 0


if __name__ == "__main__":
    start(main)
