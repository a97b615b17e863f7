"""Figure 1 of Watcharasupat & Lerch (2021): SCC, MIG and DMIG over the course of training."""

from pathlib import Path

from matplotlib.figure import Figure

from lightning_app.errors import RunError
from lightning_app.evaluation.scores import LATENT_LABELS
from lightning_app.figures.saving import save_figure
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_log import validation_epochs

_METRICS = ("scc", "mig", "dmig")
# x, y, and where DMIG has its bound.
_PANELS = (("mig", "scc"), ("dmig", "scc"), ("mig", "dmig"))


def dmig(run: Path, output: Path | None = None) -> None:
    """Draws (a) SCC against MIG, (b) SCC against DMIG with a dotted line at 1, and (c) DMIG against MIG.

    One point is one validation epoch; its shade tells which, from early (light) to late (dark).

    Args:
        run: The folder of a run with regularised dimensions, like runs/ar_vae.
        output: Folder of ``dmig.png``, ``dmig.svg`` and ``dmig.csv``; by default the run's own ``figures``.

    Raises:
        RunError: The run has no log of these metrics.
    """
    source = RunFolder(run)
    attributes = _attributes(source)
    keys = [f"val/{metric}/{attribute}" for attribute in attributes for metric in _METRICS]
    values = validation_epochs(source, keys)
    folder = source.figures if output is None else output
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    n_epochs = len(values["epoch"])
    shades = [0.25 + 0.75 * epoch / max(1, n_epochs - 1) for epoch in range(n_epochs)]
    for letter, axis, (x, y) in zip("abc", axes, _PANELS, strict=True):
        for number, attribute in enumerate(attributes):
            horizontal, vertical = values[f"val/{x}/{attribute}"], values[f"val/{y}/{attribute}"]
            axis.plot(horizontal, vertical, color=f"C{number}", alpha=0.25, linewidth=1)
            axis.scatter(horizontal, vertical, color=f"C{number}", alpha=shades, s=16, label=attribute)
        if x == "dmig":
            axis.axvline(1.0, color="grey", linestyle=":")
        axis.set_xlabel(LATENT_LABELS[x])
        axis.set_ylabel(LATENT_LABELS[y])
        axis.set_title(f"({letter})")
        axis.grid(alpha=0.3)
    axes[0].legend()
    save_figure(figure, folder / "dmig", values, f"{n_epochs} epochs of {', '.join(attributes)}")


def _attributes(run: RunFolder) -> list[str]:
    """The regularised attributes of a run."""
    config = run.read_config()
    model, data = (config[part].get("init_args", {}) for part in ("model", "data"))
    # The model may have them from the data, and regularise all of them.
    names, dims = model.get("attribute_names", data.get("attributes", [])), model.get("regularized_dims")
    regularized = list(names if dims is None else names[: len(dims)])
    if not regularized:
        raise RunError(f"{run.config} is not of a model with regularised dimensions, like ar_vae.")
    return regularized
