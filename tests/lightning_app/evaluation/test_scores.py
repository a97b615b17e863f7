"""The keys of scores, and what they are called."""

from lightning_app.evaluation.scores import (
    audio_distance,
    higher_is_better,
    measuring_options,
    order_of,
    pitch_accuracy,
    score_label,
    swap_scores,
    with_counts,
)


def test_table_of_a_swap_evaluation_names_factor_and_embeddings():
    labels = {score.key: score.label for score in swap_scores("octave", ["vggish"])}

    assert labels["swap_f1/global_swap"] == "macro F1 after the global swap (the target's octave)"
    assert labels["fad/vggish"] == "Fréchet audio distance of the reconstruction, vggish"
    assert labels["fad_resynthesis/vggish"] == "Fréchet audio distance of the resynthesised data, vggish"
    assert len(labels) == len(set(labels.values())) == 3 + 3 + 14 + 4 + 6 + 3


def test_options_measure_what_test_leaves_out():
    wanted = [*with_counts(audio_distance("vggish")), audio_distance("crepe-full").key, pitch_accuracy("pre_swap").key]

    assert measuring_options(wanted) == ["--evaluation.fad", "[crepe-full, vggish]", "--evaluation.rpa", "full"]
    assert measuring_options(["swap_f1/pre_swap", "kl_v"]) == []
    evidence = ["swap_f1/global_swap", "follows_v/octave", "read/z/octave/linear", "counterfactual/global_swap"]
    assert measuring_options([*evidence, "kept_with_v/octave", "active/v"]) == [
        *("--evaluation.judge", "true", "--evaluation.leakage", "true", "--evaluation.information", "true"),
        *("--evaluation.counterfactuals", "100"),
    ]


def test_what_is_evidence_is_named_in_words():
    assert score_label("read/v/contour/nonlinear") == "contour read from v, nonlinear reader (R²)"
    assert score_label("information/z/arp_chord1") == "arp_chord1, information of the best dimension of z's mean"
    assert score_label("inception/z_kept") == "z kept, inception score"
    assert order_of("swap_f1/pre_swap") < order_of("follows_v/octave") < order_of("kl_v")
    assert higher_is_better("follows_v/octave") is None  # it depends on the factor
