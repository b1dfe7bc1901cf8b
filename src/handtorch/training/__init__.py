"""Training: the loop, what happens beside it, and grids of runs.

======================  ==================================================================================
``fit``                 train a model; ``evaluate`` measures one
``Callback``            base of everything that happens beside the loop; ``Run`` is what it looks at
``Checkpoint``          survive being killed at any moment, and continue to the same numbers
``EarlyStopping``       end when a metric no longer improves
``DivergenceGuard``     stop at NaN, Inf and explosions with a ``DivergenceError`` that says where and why
``RunLog``              ``log.jsonl`` and ``log.csv``
``LearningCurves``      ``curves.png``; ``plots`` has the pictures as functions
``AttentionPlot``       where attention looks after each epoch; ``attention_plots`` has the pictures as functions
``Slack``               notices; ``TensorBoard`` and ``WandB`` write for those tools
``ablate``              a grid of settings in parallel processes
``Program``, ``Job``    a training as a program: options, resume, overwrite, metrics
======================  ==================================================================================
"""

from handtorch.training import attention_plots, plots
from handtorch.training.ablate import Ablation, ablate
from handtorch.training.attention_plots import AttentionPlot
from handtorch.training.callback import Callback
from handtorch.training.checkpoint import Checkpoint, read_checkpoint
from handtorch.training.divergence import DivergenceError, DivergenceGuard
from handtorch.training.early_stopping import EarlyStopping
from handtorch.training.fit import evaluate, fit
from handtorch.training.history import History
from handtorch.training.learning_curves import LearningCurves
from handtorch.training.metrics import accuracy, confusion_counts
from handtorch.training.program import Job, Program
from handtorch.training.progress import Progress
from handtorch.training.run import Run
from handtorch.training.run_log import RunLog
from handtorch.training.slack import Slack
from handtorch.training.step import StepOutput, supervised_step
from handtorch.training.tensorboard import TensorBoard
from handtorch.training.wandb import WandB

__all__ = [
    "Ablation",
    "AttentionPlot",
    "Callback",
    "Checkpoint",
    "DivergenceError",
    "DivergenceGuard",
    "EarlyStopping",
    "History",
    "Job",
    "LearningCurves",
    "Program",
    "Progress",
    "Run",
    "RunLog",
    "Slack",
    "StepOutput",
    "TensorBoard",
    "WandB",
    "ablate",
    "accuracy",
    "attention_plots",
    "confusion_counts",
    "evaluate",
    "fit",
    "plots",
    "read_checkpoint",
    "supervised_step",
]
