"""Callbacks: the schedule of training, evaluation, media, and the files of a run."""

from lightning_app.callbacks.checkpoint_progress import CheckpointProgress
from lightning_app.callbacks.config_record import ConfigRecord
from lightning_app.callbacks.encoding_writer import EncodingWriter
from lightning_app.callbacks.evaluation_end import EvaluationEnd
from lightning_app.callbacks.finite_loss import FiniteLoss
from lightning_app.callbacks.interruption import Interruption
from lightning_app.callbacks.latent_evaluation import LatentEvaluation
from lightning_app.callbacks.latent_map import LatentMap
from lightning_app.callbacks.learning_rate import LearningRate
from lightning_app.callbacks.progress import StageProgressBar
from lightning_app.callbacks.run_checkpoint import RunCheckpoint
from lightning_app.callbacks.step_seed import StepSeed
from lightning_app.callbacks.swap_evaluation import SwapEvaluation
from lightning_app.callbacks.swap_examples import SwapExamples
from lightning_app.callbacks.training_end import TrainingEnd
from lightning_app.callbacks.traversal_examples import TraversalExamples
from lightning_app.callbacks.two_stage_training import TwoStageTraining
from lightning_app.callbacks.validation_schedule import ValidationSchedule

__all__ = [
    "CheckpointProgress",
    "ConfigRecord",
    "EncodingWriter",
    "EvaluationEnd",
    "FiniteLoss",
    "Interruption",
    "LatentEvaluation",
    "LatentMap",
    "LearningRate",
    "RunCheckpoint",
    "StageProgressBar",
    "StepSeed",
    "SwapEvaluation",
    "SwapExamples",
    "TrainingEnd",
    "TraversalExamples",
    "TwoStageTraining",
    "ValidationSchedule",
]
