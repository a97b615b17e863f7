"""Configuration files: the project's own, which have names, and what it means that a file includes others.

A word that ends in ``.yaml``, or that a file is called, is a file. Any other is the name of one of the project's files:
its path in ``configs`` without the ending, like ``ts_dsae`` or ``presets/short``.

In a file, a value that is the path of a YAML file stands for what that file says. A mapping with an entry ``include``
starts from the file or files that it lists, and its other entries override theirs. Paths in a file are relative to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_app.errors import UsageError, did_you_mean

CONFIGS = (Path(__file__).parents[1] / "configs").resolve()
"""The folder of the project's files; in a checkout it is linked to the one at the top."""

FOLDERS = {
    "--data": "data",
    "--data.representation": "representations",
    "--trainer": "trainer",
    "--trainer.logger": "loggers",
}
"""Folders there of the files that may be the value of an option, and whose names it takes."""

_ENDINGS = (".yaml", ".yml", ".json")


def named_configs(option: str) -> dict[str, Path]:
    """Lists the project's files that may be the value of an option, by their names.

    Args:
        option: ``-c``, ``--config``, one of `FOLDERS`, or ``include``.

    >>> sorted(named_configs("--data"))[:2], named_configs("--data")["urmp"].name
    (['audio_folder', 'dmelodies'], 'urmp.yaml')
    """
    root = CONFIGS / FOLDERS.get(option, "")
    patterns = ("**/*.yaml",) if option == "include" else ("*.yaml", "quick/*.yaml", "presets/*.yaml")
    files = sorted(path for pattern in patterns for path in root.glob(pattern))
    named = {path.relative_to(root).with_suffix("").as_posix(): path for path in files}
    return {name: path for name, path in named.items() if name != "experiments" and not name.startswith("sweeps/")}


def with_paths(words: Sequence[str]) -> list[str]:
    """Replaces the names of configurations by their paths in the arguments of a command, and checks these files.

    >>> [Path(word).name for word in with_paths(["-c", "ts_dsae", "--data=urmp"])]
    ['-c', 'ts_dsae.yaml', 'urmp.yaml']

    Raises:
        UsageError: A file is not there, cannot be read, or includes one of which this is true.
    """
    replaced: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if replaced and replaced[-1] in _REPLACED:
            replaced.append(_path(replaced[-1], word))
        elif equals and option in _REPLACED:
            replaced.append(f"{option}={_path(option, value)}")
        else:
            replaced.append(word)
    return replaced


_REPLACED = ("-c", "--config", *FOLDERS)


def read_config(path: Path, reading: tuple[Path, ...] = ()) -> Any:
    """Reads a file with all that it includes; references like ``${..name}`` stay as they are.

    Args:
        path: The file.
        reading: The files that include it, from the first one on.

    Raises:
        UsageError: A file cannot be read, or includes itself; names the file and the entry.
    """
    from jsonargparse import get_loader  # reads numbers as the parser of the command line does
    from yaml import YAMLError

    path = path.resolve()
    if path in reading:
        raise UsageError(f"these files include each other in a circle: {', '.join(map(str, [*reading, path]))}.")
    try:
        content = get_loader("yaml")(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"problems parsing config {path}: {' '.join(str(error).split())}.") from None
    return with_includes(content, path.parent, (*reading, path))


def with_includes(content: Any, folder: Path, reading: tuple[Path, ...] = (), key: str = "") -> Any:
    """Puts the contents of other files where a configuration refers to them.

    Args:
        content: What a file, or a value on the command line, says.
        folder: The folder that its paths are relative to.
        reading: The files that are being read, from the first one on.
        key: Key of the content in its file.

    Raises:
        UsageError: A file cannot be read, or includes itself; names the file and the entry.
    """
    if isinstance(content, str):
        path = folder / Path(content).expanduser()
        if content.endswith(_ENDINGS) and path.is_file():
            return read_config(path, reading)
        return str(Path(content).expanduser()) if content.startswith("~/") else content
    if isinstance(content, list):
        return [with_includes(item, folder, reading, key) for item in content]
    if not isinstance(content, dict):
        return content
    merged: Any = {}
    for path in _included(content.get("include", []), folder, f"{reading[-1]}: {key}include" if reading else "include"):
        merged = _overridden(merged, read_config(path, reading))
    own = {
        name: with_includes(value, folder, reading, f"{key}{name}.")
        for name, value in content.items()
        if name != "include"
    }
    return _overridden(merged, own)


def _included(names: Any, folder: Path, where: str) -> list[Path]:
    """The files that an entry ``include`` lists."""
    listed = names if isinstance(names, list) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise UsageError(f"{where} is {names!r}; it takes a file, or a list of files.")
    return [found_config(name, folder, named_configs("include"), where) for name in listed]


def _overridden(base: Any, over: Any) -> Any:
    """Merges mappings entry by entry; the arguments of one class are not those of another."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    if "class_path" in base and over.get("class_path", base["class_path"]) != base["class_path"]:
        return over
    return base | {key: _overridden(base[key], value) if key in base else value for key, value in over.items()}


def _path(option: str, word: str) -> str:
    """The path of the file that the value of an option names; a value that names no file stays as it is."""
    # Options of parts take a class too: a.b.Class or Class. All take a whole configuration in braces or brackets.
    named = word.endswith(_ENDINGS) or not ("." in word or word[:1].isupper() or word in ("null", "true", "false"))
    if word.startswith(("{", "[")) or (option in FOLDERS and not named):
        return word
    path = found_config(word, Path(), named_configs(option), option)
    read_config(path)
    return str(path)


def found_config(word: str, folder: Path, known: Mapping[str, Path], where: str) -> Path:
    """Returns the file that a word names.

    Args:
        word: A path, or the name of one of the project's files.
        folder: The folder that a path is relative to.
        known: The project's files that may be meant, by their names.
        where: What names the file, for the message of an error.

    Raises:
        UsageError: There is none; names the nearest and lists the project's.
    """
    path = folder / Path(word).expanduser()
    if path.is_file():
        return path
    if word in known:
        return known[word]
    what = f"no file {path}" if word.endswith(_ENDINGS) else f"no configuration {word!r}"
    raise UsageError(
        f"{where}: there is {what}.{_nearest(word, known)} The project's own are {', '.join(known)}; a file "
        "of yours is named with its ending, like mine.yaml."
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    """Like `did_you_mean`, also where the folder is missing, or an ending is too many."""
    alike = [one for one in known if Path(one).name == Path(name).stem]
    return f" Did you mean {alike[0]}?" if alike else did_you_mean(name, known)
