"""What is heard in swapped files: whose melody they keep, and of which class they sound to the model.

``python -m benchmarks.swapped_files runs/mine instrument melody.wav swapped.wav [more.wav]`` compares files with that
whose melody they should have. Pitch is CREPE's (tiny). The class is read as in the evaluation of swaps: by a linear
discriminant analysis of the training clips' v, from the v of each segment of a file.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from lightning_app import load_run
from lightning_app.evaluation.requirements import clip_data
from lightning_app.own_sounds.sound import read_sound
from lightning_app.own_sounds.trained_model import swappable
from lightning_app.runs.loaded_run import LoadedRun
from metrics.functional import raw_pitch_accuracy
from modules.audio.pitch import PitchContours, pitch_contours


def melody_kept(path: Path, source: PitchContours) -> float:
    """Returns the share of a melody's voiced frames whose pitch a file has within half a semitone."""
    heard = _contours(path)
    n = min(heard.hz.shape[1], source.hz.shape[1])
    return raw_pitch_accuracy(heard.hz[:, :n], source.hz[:, :n], source.voiced()[:, :n]).item()


def class_reader(run: LoadedRun, factor: str) -> LinearDiscriminantAnalysis:
    """Fits what reads a class from v, on the training clips of a run."""
    model, data = swappable(run.model), clip_data(run.ready_data)
    clips = data.train_dataset
    names = np.array(data.class_names[factor])
    device = torch.device("cpu")
    with torch.inference_mode():
        v = [
            model.global_latent(data.batch(clips, positions, device)["x"])
            for positions in np.array_split(np.arange(len(clips)), -(-len(clips) // 64))
        ]
    return LinearDiscriminantAnalysis().fit(torch.cat(v).numpy(), names[clips.labels[factor]])


def _contours(path: Path) -> PitchContours:
    sound = read_sound(path, str(path))
    return pitch_contours(torch.from_numpy(sound.wave)[None], sound.rate, model="tiny")


def main() -> None:
    """Prints a row for each file."""
    if len(sys.argv) < 5:
        sys.exit("usage: python -m benchmarks.swapped_files RUN CLASS MELODY FILE [FILE ...]")
    run, factor, melody = load_run(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    reader, source = class_reader(run, factor), _contours(melody)
    table = Table(title=f"Melody of {melody}: {int(source.voiced().sum())} voiced frames", title_justify="left")
    for column in ("file", "melody kept", f"{factor} of its segments"):
        table.add_column(column)
    for path in [melody, *map(Path, sys.argv[4:])]:
        read = Counter(reader.predict(np.asarray(run.encode(path).latents["v_mean"])))
        told = ", ".join(f"{name} {n}" for name, n in read.most_common())
        table.add_row(str(path), f"{melody_kept(path, source):.2f}", told)
    Console().print(table)


if __name__ == "__main__":
    main()
