"""The list of the runs of the study of analysis/results/README.md.

Some runs depend on figures of others: a third learning rate on the first two, seeds on the best rate. So the list grows
with the validation top-1 of finished runs. Equal figures always give the same list.
"""

from __future__ import annotations

from study_runs.resnet_runs import list_resnet_repeats, list_resnet_runs
from study_runs.run import Figures, StudyRun
from study_runs.vit_runs import list_depth_runs, list_dose_runs, list_path_runs


def list_runs(top1: Figures) -> list[StudyRun]:
    """Returns every run that is known so far, once, in the order in which runs are to be started."""
    runs = [
        *list_depth_runs(top1),
        *list_resnet_runs(top1),
        *list_dose_runs(top1),
        *list_path_runs(top1),
        *list_resnet_repeats(top1),
    ]
    return list({run.name: run for run in runs}.values())
