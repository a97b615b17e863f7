"""What the way back from log-mels loses, and its time: ``python -m benchmarks.log_mel_inversion RUN [N_CLIPS]``.

The data's own log-mels become audio by Griffin-Lim from phases at random and from integrated ones. Everything runs on
one thread, and times are those of the processor.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import pad

from lightning_app import load_run
from lightning_app.evaluation.requirements import clip_data
from metrics import FrechetAudioDistance
from metrics.functional import raw_pitch_accuracy
from metrics.functional.kernel_distance import mean_of_pairs, pair_terms
from modules.audio.griffin_lim import _iterated
from modules.audio.log_mel import InverseLogMel
from modules.audio.phase_gradient import integrated_phase
from modules.audio.pitch import pitch_contours
from modules.audio.representation import LogMelSequence
from modules.audio_embedding import CrepeEmbedding


def at_random(magnitude: Tensor, n_fft: int, hop_length: int) -> Tensor:
    """Returns phases at random, with the arguments of `integrated_phase`."""
    return 2 * torch.pi * torch.rand(magnitude.shape)


def main() -> None:
    """Prints a row for each start and number of iterations."""
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m benchmarks.log_mel_inversion RUN [N_CLIPS]")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    data = clip_data(load_run(sys.argv[1]).ready_data)
    represent = data.representation
    if not isinstance(represent, LogMelSequence):
        sys.exit(f"{sys.argv[1]} has no log-mels.")
    clips = data.test_dataset.indices[: int(sys.argv[2]) if len(sys.argv) == 3 else 20]
    audio = torch.stack([torch.from_numpy(data.audio(int(clip))) for clip in clips])
    x, rate, n_fft, hop = represent(audio), represent.sample_rate, represent.n_fft, represent.hop_length
    true, embedding = pitch_contours(audio, rate, model="tiny"), CrepeEmbedding("tiny")
    real = embedding(audio)
    inverse = InverseLogMel(represent._spec)
    magnitude = inverse._inversion(x.exp()).sqrt().transpose(1, 2)
    starts: dict[str, Callable[[Tensor, int, int], Tensor]] = {"at random": at_random, "integrated": integrated_phase}
    integrated_phase(magnitude[:1], n_fft, hop)  # compiles
    table = Table(title=f"{len(clips)} clips: bands to audio, without the inverse of the bands", title_justify="left")
    for column in (
        "phases",
        "iterations",
        "raw pitch accuracy",
        "FAD (crepe-tiny)",
        "KAD",
        "log-mel distance",
        "s a clip",
    ):
        table.add_column(column)
    for name, start in starts.items():
        for n_iterations in (0, 4, 8, 16, 32):
            torch.manual_seed(0)
            began = time.process_time()
            phases = start(magnitude, n_fft, hop)
            made = _iterated(magnitude, torch.polar(torch.ones_like(phases), phases), None, n_fft, hop, n_iterations)
            seconds = (time.process_time() - began) / len(clips)
            made = pad(made, (0, audio.shape[1] - made.shape[1]))
            distance = FrechetAudioDistance(embedding.n_features, embedding_name=embedding.name)
            distance.update(real, real=True)
            distance.update(embedding(made), real=False)
            fad = float(dict(distance.compute())[f"{distance.name}/{embedding.name}"])
            few = slice(None, None, 16)  # frames
            terms, numbers = pair_terms(real[:, few], embedding(made)[:, few]), np.arange(len(clips))
            kad = float(mean_of_pairs(terms.numpy())(numbers, axis=-1))
            accuracy = raw_pitch_accuracy(pitch_contours(made, rate, model="tiny").hz, true.hz, true.voiced()).item()
            there = (represent(made) - x)[:, :-1].abs().mean().item()
            row = (f"{accuracy:.3f}", f"{fad:.1f}", f"{kad:.2f}", f"{there:.3f}", f"{seconds:.3f}")
            table.add_row(name, str(n_iterations), *row)
    Console().print(table)


if __name__ == "__main__":
    main()
