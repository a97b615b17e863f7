"""The disentangled sequential autoencoder and its two-stage training (Luo, Ewert & Dixon, IJCAI 2022)."""

from modules.dsae.module import DSAE, Encoding
from modules.protocols import Stage, Swap

__all__ = ["DSAE", "Encoding", "Stage", "Swap"]
