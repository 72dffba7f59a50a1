"""The residual network for the tiny data: three groups of two blocks with 4, 8 and 16 channels, in as many stages."""

from __future__ import annotations

STAGES = ["stage_0", "stage_1", "stage_2"]
TRAININGS = ["meta", *STAGES, "finetuned", "end_to_end"]
WIDTHS = [4, 8, 16]
GROUPS = [
    "--model.family=resnet",
    "--model.norm_eps=1e-5",
    "--model.widths=4,8,16",
    "--model.group_depth=2",
]
NETWORK = [*GROUPS, "--model.depths=2,2,2", "--model.meta_depths=1,1,1"]
# The same blocks in two stages: the second begins within a group, and both contain a stride.
TWO_STAGES = [*GROUPS, "--model.depths=3,3", "--model.meta_depths=1,2"]
