"""Pictures and sounds as they lie in a page: as small as they can be without harm, each sound once."""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import matplotlib
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lightning_app.media.spectrogram_grid import colour_range
from modules.audio.representation import Representation
from modules.audio.resample import resampled
from modules.seeding import seeded

# The sample rates of MP3, which all browsers play and which makes of four seconds at 16 kHz a tenth of their WAV.
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_MOST_FRAMES, _MOST_BINS = 256, 128


@dataclass(frozen=True)
class Tile:
    """A spectrogram that plays.

    Attributes:
        title: What it is, in words that can stand alone.
        sound: Key of its sound.
        picture: Its picture, as a data URI; empty where it has none.
        note: A few words that are shown below it.
    """

    title: str
    sound: str
    picture: str = ""
    note: str = ""


@dataclass
class Sounds:
    """The sounds of a page, by keys that follow from what they are."""

    encoded: dict[str, str] = field(default_factory=dict)

    def add(self, wave: NDArray[np.floating], rate: int) -> str:
        """Adds mono audio, (n_samples,), at a rate in Hz; too loud a wave is brought to full scale.

        Returns:
            The key of the sound.
        """
        wave = wave.astype(np.float32) / max(1.0, float(np.abs(wave).max(initial=0.0)))
        playable = next((one for one in _MP3_RATES if one >= rate), _MP3_RATES[-1])
        if playable != rate:
            wave = resampled(torch.from_numpy(wave)[None], rate, playable)[0].numpy()
        file = io.BytesIO()
        soundfile.write(
            file, wave, playable, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.4
        )
        content = file.getvalue()
        key = hashlib.sha256(content).hexdigest()[:12]
        self.encoded[key] = f"data:audio/mpeg;base64,{base64.b64encode(content).decode()}"
        return key


@dataclass(frozen=True)
class TileMaker:
    """Makes tiles of what one model hears and makes, all in one colour scale.

    Attributes:
        sounds: Takes the sounds.
        representation: What the model hears, and the way back to audio.
        n_samples: Length of the clips, in samples.
        colours: The values of the darkest and the lightest colour.
        seed: Seed of the phases of the audio.
    """

    sounds: Sounds
    representation: Representation
    n_samples: int
    colours: tuple[float, float]
    seed: int

    @classmethod
    def of(cls, x: Tensor, representation: Representation, n_samples: int, sounds: Sounds, seed: int) -> "TileMaker":
        """Returns one whose colours are those of some inputs, (n, ...)."""
        return cls(sounds, representation, n_samples, colour_range(representation.picture(x, n_samples).numpy()), seed)

    def decoded(self, x: Tensor, titles: Sequence[str], like: Tensor | None = None) -> list[Tile]:
        """Makes tiles of what a model made, (n, ...), and makes it audible, with the phase of audio (n, n_samples)."""
        with seeded(self.seed):
            waves = self.representation.inverse(x, self.n_samples, like=like).numpy()
        return [self.tile(*parts) for parts in zip(x, waves, titles, strict=True)]

    def tile(self, x: Tensor, wave: NDArray[np.floating], title: str) -> Tile:
        """Makes the tile of one clip, (...), that sounds like a wave, (n_samples,)."""
        picture = self.representation.picture(x[None], self.n_samples)[0].numpy()
        return Tile(title, self.sound(wave), spectrogram_uri(picture, self.colours))

    def sound(self, wave: NDArray[np.floating]) -> str:
        """Adds a sound without a picture; returns its key."""
        return self.sounds.add(wave, self.representation.sample_rate)


def spectrogram_uri(spectrogram: NDArray[np.floating], colours: tuple[float, float]) -> str:
    """Draws a spectrogram, (n_frames, n_bins), as a WebP, low bins below; see `colour_range`."""
    low, high = colours
    shares = np.clip((spectrogram.T[::-1] - low) / max(high - low, 1e-9), 0.0, 1.0)
    pixels = (matplotlib.colormaps["magma"](shares)[..., :3] * 255).round().astype(np.uint8)
    image = Image.fromarray(pixels)
    size = (min(image.width, _MOST_FRAMES), min(image.height, _MOST_BINS))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=80, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
