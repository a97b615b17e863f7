"""Stands in for ``disentangle fit`` and ``test``: trains nothing, in no time, and leaves the files of a real run.

What it sees of others at work on the same run, or of a run that it is to make though it is finished, it writes down.
"""

import fcntl
import json
import os
import sys
import time
from pathlib import Path


def main(words):
    subcommand, options = words[0], _options(words[1:])
    if subcommand == "test":
        folder = Path(options["run"])
        step = json.loads((folder / "training.json").read_text())["best_step"]
        x = float((folder / "x.txt").read_text())
        record = {"kind": "Evaluation", "scores": {"f1": 1 - x}, "settings": {}, "n_clips": 1, "step": step}
        (folder / "evaluation.json").write_text(json.dumps(record))
        return
    folder = Path(options["trainer.default_root_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        _note(folder, "two at a time")
        sys.exit("error: in use")
    if (folder / "training.json").exists():
        _note(folder, "made again")
    checkpoint = folder / "checkpoints" / "last.ckpt"
    if checkpoint.exists() and "ckpt_path" not in options and "overwrite" not in options:
        _note(folder, "not gone on with")
        sys.exit("error: already holds a run")
    begun = len(json.loads(checkpoint.read_text())) if "ckpt_path" in options else 0
    _train(folder, options, json.loads(checkpoint.read_text())[:begun] if begun else [])


def _train(folder, options, values):
    x, seed = float(options.get("x") or options["model.learning_rate"]), int(options.get("seed_everything", 0))
    if x > float(options.get("limit", "inf")):
        print("some lines before\nerror: x is beyond the limit\nand some after", flush=True)
        sys.exit(1)
    (folder / "x.txt").write_text(str(x))
    tracked = {name: os.environ.get(name) for name in ("WANDB_RUN_GROUP", "WANDB_TAGS")}
    (folder / "tracked.json").write_text(json.dumps(tracked))
    _write(folder / "config.yaml", "name: run\ntrainer: {default_root_dir: here}\n")
    n_epochs = int(options.get("epochs", 3))
    for epoch in range(len(values), n_epochs):
        if epoch == 1 and Path(options.get("broken", "")).is_file():
            sys.exit("error: something is broken")
        time.sleep(float(options.get("seconds", 0.5)))
        values.append((x - 0.3) ** 2 + 1 / (epoch + 1) + 0.01 * seed)
        rows = [f"{epoch},{epoch},{value},{value}" for epoch, value in enumerate(values)]
        _write(folder / "metrics.csv", "\n".join(["epoch,step,train/loss,val/loss", *rows, ""]))
        _write(folder / "checkpoints" / "last.ckpt", json.dumps(values))
    training = {"epochs": n_epochs, "steps": 10 * n_epochs, "best_step": 10 * n_epochs, "finished": True}
    _write(folder / "training.json", json.dumps(training))


def _options(words):
    """What `--name=value`, `--name value` and `--name` say."""
    options = {}
    for number, word in enumerate(words):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            following = words[number + 1] if number + 1 < len(words) else "--"
            options[name] = value if equals else following
    return options


def _note(folder, what):
    with (folder.parent / "notes.txt").open("a") as file:
        file.write(f"{folder.name}: {what}\n")


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    draft.replace(path)


if __name__ == "__main__":
    from lightning_app.parent_process import end_with_parent

    end_with_parent()
    main(sys.argv[1:])
