"""The rate at which a data module reads audio: that of what its model hears."""

from modules.audio.representation import LogMelSequence, Representation


def sample_rate_of(representation: Representation | None) -> int:
    """Returns the sample rate of a representation in Hz; None is `LogMelSequence` as it is published.

    >>> sample_rate_of(LogMelSequence(22_050)), sample_rate_of(None)
    (22050, 16000)
    """
    return (LogMelSequence() if representation is None else representation).sample_rate
