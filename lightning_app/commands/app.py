"""Tries a trained model on sounds of one's own: ``disentangle app runs/mine``."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path

from jsonargparse.typing import NonNegativeInt, PositiveInt

from lightning_app.commands.function_command import call_function


def serve(
    run: Path,
    port: int = 8571,
    clips: PositiveInt = 12,
    seed: NonNegativeInt = 0,
    browser: bool = True,
    trust: bool = False,
) -> None:
    """Opens a page where a trained model is tried on sounds: dropped, recorded, or clips of its data.

    The page is on 127.0.0.1 alone: no other machine can reach it, and it asks nothing of others. Ctrl-C ends it.

    Args:
        run: Folder of the run.
        port: Port of the page; 0 takes any that is free.
        clips: Number of clips of the run's data to choose from, 1 or more.
        seed: Seed of the draw of clips, and of the phases of the audio.
        browser: Whether to open the page in the browser.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: The folder holds no trained run, the model has nothing to try, or the port is taken.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from lightning_app.app.server import make_server
    from lightning_app.app.studio import Studio
    from lightning_app.listening.opened_run import check_runs, open_runs
    from lightning_app.quiet import silence_libraries

    silence_libraries()
    check_runs([run])
    (opened,) = open_runs([run], trust=trust)
    server = make_server(Studio(opened, clips, seed), port)
    address = f"http://127.0.0.1:{server.server_port}"
    print(f"Listening to {run}: {address} (Ctrl-C ends it)", flush=True)
    if browser:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nClosed.")
    finally:
        server.server_close()


def main(words: Sequence[str]) -> None:
    """Serves the page of the named run."""
    call_function(serve, words, "disentangle app", positional=["run"])
