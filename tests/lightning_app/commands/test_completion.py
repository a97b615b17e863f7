"""Completion in a real shell."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


def complete(line, folder):
    """What bash offers at the end of a line: what the function that is registered says."""
    words = [*shlex.split(line), ""] if line.endswith(" ") else shlex.split(line)
    script = f"""
        eval "$(disentangle completion bash)"
        COMP_WORDS=({shlex.join(words)})
        COMP_CWORD={len(words) - 1}
        $(complete -p disentangle | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("disentangle fi", ["fit", "figure"]),
        ("disentangle figure sw", ["swap_f1"]),
        ("disentangle sweep ", ["run", "best", "plot"]),
        ("disentangle sweep run sw", ["swap_weights"]),
        ("disentangle fit -c ts_dsae_r", ["ts_dsae_richer_decoder"]),
        ("disentangle fit -c ts_dsae --data ur", ["urmp"]),
        ("disentangle fit -c ts_dsae --data = ns", ["nsynth", "nsynth_rendered"]),
        ("disentangle test --ck", ["--ckpt_path"]),
        ("disentangle fit -c nothing_like_it", []),
    ],
)
def test_bash_offers_commands_and_names(tmp_path, line, offered):
    assert complete(line, tmp_path) == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_takes_the_script(tmp_path):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "ZDOTDIR": str(tmp_path)}
    script = 'autoload -U compinit; compinit -D; eval "$(disentangle completion zsh)"; print ${_comps[disentangle]}'

    done = subprocess.run(["zsh", "-c", script], env=environment, capture_output=True, text=True)

    assert done.stdout.strip() == "_disentangle"
