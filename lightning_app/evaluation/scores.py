"""The scores of runs: their keys, what tables and figures call them, and the options that measure them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A score of an evaluation.

    Attributes:
        key: Key of the score in the record of an evaluation; in logs it follows ``test/``.
        label: Name of the score in tables.
        title: Short name of the score on axes and panels of figures.
    """

    key: str
    label: str
    title: str


_WHEN = {"pre_swap": "before the swap", "global_swap": "after the global swap", "local_swap": "after the local swap"}

LATENT_LABELS: Mapping[str, str] = {
    "scc": "SCC",
    "mig": "MIG",
    "dmig": "DMIG",
    "xmig": "XMIG",
    "dlig": "DLIG",
    "regularization": "regularisation",
}
"""What tables and figures call the scores of an attribute, by the first part of their keys."""


_HIGHER_IS_BETTER: Mapping[str, bool] = {
    **dict.fromkeys(("swap_f1", "counterfactual", "rpa", "scc", "mig", "dmig", "xmig", "dlig", "modularity"), True),
    **dict.fromkeys(("counterfactual_error", "fad", "fad_infinity", "kad", "reconstruction"), False),
}
_OF_THE_DATA = "rpa/resynthesis"

_EVIDENCE: Mapping[str, tuple[str, str]] = {
    "follows_v": ("follows v in swaps", "judge"),
    "follows_z": ("follows z in swaps", "judge"),
    "kept_with_v": ("stays with v when z is drawn", "judge"),
    "kept_with_z": ("stays with z when v is drawn", "judge"),
    "judge_accuracy": ("accuracy of the judge on real clips", "judge"),
    "inception": ("inception score", "judge"),
    "variety": ("H(y) of what the judge hears", "judge"),
    "certainty": ("H(y|x) of what the judge hears", "judge"),
    "read": ("read", "leakage"),
    "chance": ("read by a guess", "leakage"),
    "information_gap": ("information, of its code less the other", "information"),
    "information": ("information of the best dimension", "information"),
    "active": ("dimensions in use", "information"),
    "dci_v": ("share of v in what predicts it", "information"),
}
"""What tables call these kinds of scores, and the option that measures them."""

_CODES = {"v": "v", "z": "z's mean", "z_t": "z of a frame"}


def higher_is_better(key: str) -> bool | None:
    """Whether the higher of two values of a score is the better; None where neither is, as for one term of a loss.

    >>> higher_is_better("swap_f1/global_swap"), higher_is_better("fad/vggish"), higher_is_better("kl_v")
    (True, False, None)
    """
    return None if key == _OF_THE_DATA else _HIGHER_IS_BETTER.get(key.split("/")[0])


def order_of(key: str) -> int:
    """Returns where a score stands among others in a table: those that say more of a model come first.

    >>> sorted(["kl_v", "rpa/pre_swap", "swap_f1/pre_swap"], key=order_of)
    ['swap_f1/pre_swap', 'rpa/pre_swap', 'kl_v']
    """
    kinds = [*_HIGHER_IS_BETTER, *_EVIDENCE]
    kind = key.split("/")[0]
    return kinds.index(kind) if kind in kinds else len(kinds)


def is_of_another_factor(key: str, factor: str) -> bool:
    """Whether a key is one of many alike, for each factor, draw or dimension, and not of the one that was swapped.

    >>> keys = ("read/v/octave/linear", "follows_v/instrument", "rpa/pre_swap")
    >>> [is_of_another_factor(key, "instrument") for key in keys]
    [True, False, False]
    """
    kind, *of = key.split("/")
    return (kind in _EVIDENCE or kind.startswith("dci_")) and factor not in of


def is_count(key: str) -> bool:
    """Whether a key is of a number of clips or embeddings, which is no score."""
    return key.rsplit("/", 1)[-1].startswith("n_")


def score_label(key: str, factor: str = "instrument") -> str:
    """Returns what a table calls the score of a key; one that is not known is called by its key, in words.

    Args:
        key: Key in the record of an evaluation.
        factor: Name of the class that was swapped.

    >>> score_label("rpa/pre_swap"), score_label("dmig/depth"), score_label("mypkg_score")
    ('raw pitch accuracy, before the swap', 'DMIG, depth', 'mypkg score')
    >>> score_label("read/z/octave/linear"), score_label("follows_v/octave")
    ("octave read from z's mean, linear reader (macro F1)", 'octave, follows v in swaps')
    """
    kind, _, of = key.partition("/")
    known = {score.key: score.label for score in swap_scores(factor, [of])}
    if key in known:
        return known[key]
    if kind == "read":
        code, read, reader = of.split("/")
        measure = "R²" if read == "contour" else "macro F1"
        return f"{read} read from {_CODES[code]}, {reader} reader ({measure})"
    if kind == "information":
        code, told = of.split("/")
        return f"{told}, information of the best dimension of {_CODES[code]}"
    if kind in _EVIDENCE:
        return f"{of.replace('_', ' ')}, {_EVIDENCE[kind][0]}"
    words = LATENT_LABELS.get(kind, kind.replace("_", " "))
    return f"{words}, {of}" if of else words


def macro_f1(step: str, factor: str = "instrument") -> Score:
    """Returns how well v tells a factor, before or after a swap.

    >>> macro_f1("global_swap").title
    'macro F1 after the global swap'
    """
    expected = {"pre_swap": "", "global_swap": f" (the target's {factor})", "local_swap": f" (the source's {factor})"}
    of = f" of the {factor}," if step == "pre_swap" else ""
    label = f"macro F1{of} {_WHEN[step]}{expected[step]}"
    return Score(f"swap_f1/{step}", label, f"macro F1 {_WHEN[step]}")


def pitch_accuracy(step: str) -> Score:
    """Returns how well the melody is kept, before or after a swap, or in the ``resynthesis`` of the data."""
    if step == "resynthesis":
        return Score("rpa/resynthesis", "raw pitch accuracy of the resynthesised data", "resynthesised data")
    expected = {"pre_swap": "", "global_swap": " (the source's melody)", "local_swap": " (the target's melody)"}
    comma = "," if step == "pre_swap" else ""
    return Score(f"rpa/{step}", f"raw pitch accuracy{comma} {_WHEN[step]}{expected[step]}", _WHEN[step])


def counterfactual_scores() -> list[Score]:
    """Lists how far swaps are from the true ones."""
    swaps = ("global_swap", "local_swap")
    labels = {
        "counterfactual_error": "error against the true swap",
        "counterfactual_floor": "its floor, the true swap reconstructed",
        "counterfactual_ceiling": "its ceiling, without a swap",
        "counterfactual_rpa": "raw pitch accuracy against the true swap",
        "counterfactual_rpa_floor": "the same of the true swap reconstructed",
        "counterfactual_rpa_ceiling": "the same without a swap",
    }
    nearness = "nearness to the true swap (1 as a reconstruction, 0 as no swap)"
    scores = []
    for swap in swaps:
        scores.append(Score(f"counterfactual/{swap}", f"{nearness}, {_WHEN[swap]}", _WHEN[swap]))
        scores += [Score(f"{kind}/{swap}", f"{label}, {_WHEN[swap]}", label) for kind, label in labels.items()]
    return scores


def error_rates(factor: str) -> list[Score]:
    """Lists how well v, and the mean of z, tell whether two clips are of one class."""
    return [
        Score("eer/static", f"equal error rate of the {factor} by v (0 where v tells it)", "EER of v"),
        Score("eer/dynamic", "equal error rate by z's mean (0.5 where z does not)", "EER of z"),
        Score("eer/gap", "gap of the two equal error rates", "EER, z less v"),
    ]


DISTANCES: Mapping[str, tuple[str, str]] = {
    "fad": ("Fréchet audio distance", "FAD"),
    "fad_infinity": ("Fréchet audio distance of endlessly many clips", "FAD-infinity"),
    "kad": ("kernel audio distance", "KAD"),
}
"""What distances of audio are called in tables and on axes, by the first part of their keys."""


def audio_distance(embedding: str, kind: str = "fad") -> Score:
    """Returns how far reconstructions are from the data in an embedding, by one of `DISTANCES`."""
    label, title = DISTANCES[kind]
    return Score(
        f"{kind}/{embedding}", f"{label} of the reconstruction, {embedding}", f"{title} ({embedding}), lower is better"
    )


def resynthesis_distance(embedding: str, kind: str = "fad") -> Score:
    """Returns how far the resynthesised data are from the data in an embedding, by one of `DISTANCES`."""
    label, title = DISTANCES[kind]
    return Score(
        f"{kind}_resynthesis/{embedding}",
        f"{label} of the resynthesised data, {embedding}",
        f"{title} ({embedding}) of the resynthesised data",
    )


def with_counts(distance: Score) -> list[str]:
    """Returns the keys of a distance and of the numbers of embeddings that it was measured on."""
    return [distance.key, f"{distance.key}/n_real", f"{distance.key}/n_generated"]


def swap_scores(factor: str, embeddings: Iterable[str]) -> list[Score]:
    """Lists what a swap evaluation may have measured, in the order of its table."""
    embeddings = list(embeddings)
    return [
        *(macro_f1(step, factor) for step in _WHEN),
        *error_rates(factor),
        *counterfactual_scores(),
        *(pitch_accuracy(step) for step in (*_WHEN, "resynthesis")),
        *(audio_distance(name, kind) for kind in DISTANCES for name in embeddings),
        *(resynthesis_distance(name, kind) for kind in DISTANCES for name in embeddings),
        Score("reconstruction", "reconstruction error", "reconstruction error"),
        Score("kl_v", "KL of v", "KL of v"),
        Score("kl_z", "KL of z", "KL of z"),
    ]


def headline(keys: Iterable[str]) -> list[str]:
    """Returns those keys of an evaluation that a line about a run has room for, in order.

    >>> headline(["loss", "swap_f1/pre_swap", "swap_f1/global_swap", "kl_v", "dmig/depth"])
    ['swap_f1/global_swap', 'dmig/depth']
    """
    after_swaps = [score(step).key for score in (macro_f1, pitch_accuracy) for step in ("global_swap", "local_swap")]
    return [key for key in keys if key in after_swaps or key.startswith("dmig/")]


def measuring_options(keys: Sequence[str]) -> list[str]:
    """Returns the options of ``disentangle test`` that measure what it would leave out.

    >>> measuring_options(["swap_f1/pre_swap", "fad/vggish", "rpa/pre_swap"])
    ['--evaluation.fad', '[vggish]', '--evaluation.rpa', 'full']
    """
    embeddings = sorted({key.split("/")[1] for key in keys if key.startswith("fad/")})
    options = ["--evaluation.fad", f"[{', '.join(embeddings)}]"] if embeddings else []
    kinds = {key.split("/")[0] for key in keys}
    for option in dict.fromkeys(option for kind, (_, option) in _EVIDENCE.items() if kind in kinds):
        options += [f"--evaluation.{option}", "true"]
    if "counterfactual" in kinds:
        options += ["--evaluation.counterfactuals", "100"]
    return options + (["--evaluation.rpa", "full"] if any(key.startswith("rpa/") for key in keys) else [])
