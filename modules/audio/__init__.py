"""Sound as models and data both need it: what a model hears, the way back to audio, resampling, and pitch."""

from modules.audio.log_magnitude import InverseLogMagnitude, LogMagnitude, LogMagnitudeSpec
from modules.audio.log_mel import InverseLogMel, LogMel, LogMelSpec
from modules.audio.representation import LogMagnitudePicture, LogMelSequence, Representation

__all__ = [
    "InverseLogMagnitude",
    "InverseLogMel",
    "LogMagnitude",
    "LogMagnitudePicture",
    "LogMagnitudeSpec",
    "LogMel",
    "LogMelSequence",
    "LogMelSpec",
    "Representation",
]
