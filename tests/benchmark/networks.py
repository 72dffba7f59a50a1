"""The networks to train, as incubate's settings and timm's arguments, and their FLOPs."""

from __future__ import annotations

from dataclasses import dataclass

TRAINED, FROZEN_BEHIND, FROZEN_BEFORE = "trained", "behind", "before"


@dataclass(frozen=True)
class Network:
    """A vision transformer in stages."""

    image_size: int
    channels: int
    patch: int
    width: int
    heads: int
    classes: int
    depths: tuple[int, ...] = (3, 3, 3, 3)

    def settings(self) -> list[str]:
        """Returns the program's [model] settings; the meta model has one block per stage."""
        return [
            f"--model.image_size={self.image_size}",
            f"--model.channels={self.channels}",
            f"--model.patch={self.patch}",
            f"--model.width={self.width}",
            f"--model.heads={self.heads}",
            f"--model.classes={self.classes}",
            f"--model.depths={','.join(map(str, self.depths))}",
            f"--model.meta_depths={','.join('1' for _ in self.depths)}",
        ]

    def depths_of(self, training: str) -> tuple[int, ...]:
        """Returns the number of blocks in each stage of a training's network."""
        if training == "meta":
            return (1,) * len(self.depths)
        if training.startswith("stage_"):
            return tuple(d if i == stage_index(training) else 1 for i, d in enumerate(self.depths))
        return self.depths

    def training_flops(self, training: str) -> float:
        """Returns the FLOPs per image of the matrix products (attention's included) that a training needs; 2 per
        multiplication. If everything learns, forward and backward count 3 times forward, as usual. In an incubation,
        frozen stages before the target need only the forward pass. Those behind it also need gradients of activations:
        2 times forward, attention 3 times."""
        if not training.startswith("stage_"):
            return self._flops(self.depths_of(training), [TRAINED] * len(self.depths))
        target = stage_index(training)
        roles = [FROZEN_BEFORE if i < target else FROZEN_BEHIND if i > target else TRAINED for i in self._stages()]
        return self._flops(self.depths_of(training), roles)

    def _stages(self) -> range:
        return range(len(self.depths))

    def _flops(self, depths: tuple[int, ...], roles: list[str]) -> float:
        patches = (self.image_size // self.patch) ** 2
        tokens = patches + 1
        linear_factor = {TRAINED: 3, FROZEN_BEHIND: 2, FROZEN_BEFORE: 1}
        attention_factor = {TRAINED: 3, FROZEN_BEHIND: 3, FROZEN_BEFORE: 1}
        linear = 2 * 12 * self.width**2 * tokens  # queries, keys, values 3; projection 1; MLP 8
        attention = 2 * 2 * self.width * tokens**2
        embedding = 2 * patches * self.patch**2 * self.channels * self.width
        head = 2 * self.width * self.classes
        blocks = sum(
            d * (linear * linear_factor[r] + attention * attention_factor[r])
            for d, r in zip(depths, roles, strict=True)
        )
        return float(blocks + embedding * (3 if roles[0] == TRAINED else 1) + head * linear_factor[roles[-1]])


def stage_index(training: str) -> int:
    return int(training.removeprefix("stage_"))


def names_of_stage(depths: tuple[int, ...], stage: int) -> dict[str, str]:
    """Maps timm's prefixes for a stage of a network of these depths to prefixes that ignore other stages."""
    first = sum(depths[:stage])
    names = {f"blocks.{first + i}.": f"block {i} " for i in range(depths[stage])}
    if stage == 0:
        names |= {name: name for name in ("patch_embed.", "cls_token", "pos_embed")}
    if stage == len(depths) - 1:
        names |= {name: name for name in ("norm.", "head.")}
    return names


SMALL = Network(image_size=28, channels=1, patch=4, width=64, heads=4, classes=10)
DEIT_S = Network(image_size=224, channels=3, patch=16, width=384, heads=6, classes=1000)
VIT_B = Network(image_size=224, channels=3, patch=16, width=768, heads=12, classes=1000)
VIT_L = Network(image_size=224, channels=3, patch=16, width=1024, heads=16, classes=1000, depths=(6, 6, 6, 6))
VIT_H = Network(image_size=224, channels=3, patch=14, width=1280, heads=16, classes=1000, depths=(8, 8, 8, 8))
