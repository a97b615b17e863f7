"""The beta-VAE with attribute regularisation (AR-VAE)."""

from modules.vae.module import BetaVAE
from modules.vae.networks import ConvDecoder, ConvEncoder

__all__ = ["BetaVAE", "ConvDecoder", "ConvEncoder"]
