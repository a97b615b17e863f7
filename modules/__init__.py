"""Models as LightningModules, and what they hear; schedules, media and files are callbacks of `lightning_app`."""

from modules.dsae import DSAE
from modules.errors import ModelError
from modules.vae import BetaVAE

__all__ = ["DSAE", "BetaVAE", "ModelError"]
