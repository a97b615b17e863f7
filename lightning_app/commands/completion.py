"""Completes the command line in a shell: ``eval "$(disentangle completion bash)"``.

The shell asks ``disentangle completion words`` for what may stand where the cursor is; without an answer, it completes
files.
"""

from collections.abc import Iterable, Sequence

from lightning_app.commands.config_files import CONFIGS, named_configs
from lightning_app.commands.figure import FIGURES
from lightning_app.commands.sweep import PARTS
from lightning_app.commands.table import Command, run_command

_BASH = r"""
_disentangle() {
    local IFS=$'\n'
    COMPREPLY=($(disentangle completion words "${COMP_WORDS[@]:1:COMP_CWORD}"))
}
complete -o default -F _disentangle disentangle
"""
_ZSH = r"""
_disentangle() {
    local -a found=(${(f)"$(disentangle completion words "${(@)words[2,CURRENT]}")"})
    (( $#found )) && compadd -a found || _files
}
compdef _disentangle disentangle
"""
_OF_RUNS = ("fit", "validate", "test", "predict", "options")
_OF_REPORTS = ("--out", "--factor", "--sources", "--examples", "--points", "--seed", "--help")
_OPTIONS = ("--config", "--data", "--name", "--ckpt_path", "--seed_everything", "--print_config", "--help")


def main(words: Sequence[str]) -> None:
    """Prints the script of a shell, or the words that complete a line."""
    run_command("disentangle completion", "Completes the command line in a shell.", SHELLS, words)


def completions(words: Sequence[str]) -> list[str]:
    """Lists what the last word may become.

    Args:
        words: Those behind ``disentangle`` up to the cursor, the last one begun or empty.

    >>> completions(["fi"]), completions(["figure", "sw"]), completions(["fit", "-c", "ts_dsae_r"])
    (['fit', 'figure'], ['swap_f1'], ['ts_dsae_richer_decoder'])
    """
    # Bash parts --data=urmp into three words.
    *before, begun = [word for word in words if word != "="] if words[-1] != "=" else [*words[:-1], ""]
    return [word for word in _possible(before, begun) if word.startswith(begun)]


def _possible(before: Sequence[str], begun: str) -> Iterable[str]:
    from lightning_app.commands.disentangle import COMMANDS

    if not before:
        return COMMANDS
    if before == ["figure"]:
        return FIGURES
    if before == ["sweep"]:
        return PARTS
    if before == ["sweep", "run"]:
        return sorted(path.stem for path in (CONFIGS / "sweeps").glob("*.yaml"))
    if before == ["completion"]:
        return SHELLS
    if before[0] == "report":
        return _OF_REPORTS if begun.startswith("-") else ()  # else the folders of runs
    if before[0] not in _OF_RUNS:
        return ()
    if before[-1] in ("-c", "--config", "--data"):
        return named_configs(before[-1])
    return _OPTIONS


def _print_completions(words: Sequence[str]) -> None:
    print(*completions(words or [""]), sep="\n")


SHELLS = {
    "bash": Command("Print the script for bash.", lambda words: print(_BASH)),
    "zsh": Command("Print the script for zsh.", lambda words: print(_ZSH)),
    "words": Command("Print the words that complete a line; the scripts call this.", _print_completions),
}
