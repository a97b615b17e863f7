"""Writes the latents of sounds: ``disentangle encode --run runs/mine FOLDER --out latents.parquet``."""

from collections.abc import Sequence
from pathlib import Path

from lightning_app.commands.function_command import call_function
from lightning_app.errors import UsageError


def main(words: Sequence[str]) -> None:
    """Encodes the sounds that the words name."""
    call_function(encode, words, "disentangle encode", positional=["sounds"])


def encode(
    run: Path,
    sounds: Sequence[Path],
    out: Path,
    seconds: float | None = None,
    whole_files: bool = False,
    overwrite: bool = False,
    trust: bool = False,
) -> None:
    """Writes what a trained model tells of sounds to a table in Parquet, with a row for each segment.

    A row has the file, where the segment begins and how long it is, in seconds, and the means and log-variances of the
    model's latents, as lists.

    Args:
        run: Folder of the run.
        sounds: Files of sounds, or folders of them, of any format, length and sample rate.
        out: Path of the table, a .parquet.
        seconds: Length of the segments; by default that of the clips that the model was trained on. Silence fills up
            the last one.
        whole_files: Whether each file is encoded as one segment.
        overwrite: Whether an earlier table is replaced.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: The run cannot be used, a sound cannot be heard, or the table is there already.
        UsageError: The options contradict each other, or the model hears clips of one length alone.
    """
    if out.suffix.lower() != ".parquet":
        raise UsageError(f"--out {out}: the table is a .parquet; give it this ending.")
    # Not above: mistyped options and --help do not wait for torch.
    from rich.progress import track

    from lightning_app.own_sounds.encoding import check_lengths, encoded
    from lightning_app.own_sounds.files import check_sounds, sound_files
    from lightning_app.own_sounds.latent_table import write_table
    from lightning_app.own_sounds.output import check_place
    from lightning_app.own_sounds.sound import read_sound
    from lightning_app.quiet import silence_libraries
    from lightning_app.runs.load_run import load_run

    silence_libraries()
    files = sound_files(sounds)
    check_place(out.parent, [out], files, overwrite=overwrite)
    loaded = load_run(run, trust=trust)
    check_lengths(loaded, seconds, whole_files)
    check_sounds(files)
    heard = (read_sound(file, str(file)) for file in track(files, "Encoding", transient=True))
    frames, rate = loaded.representation.frames, loaded.representation.sample_rate
    about = {"run": str(run), "frame_seconds": None if frames is None else frames.hop_length / rate}
    n_rows = write_table(out, encoded(loaded, heard, seconds=seconds, whole_files=whole_files), about)
    print(f"Wrote {out}: rows {n_rows}, files {len(files)}.")
