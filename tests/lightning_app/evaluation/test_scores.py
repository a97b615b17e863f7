"""The keys of scores, and what they are called."""

from lightning_app.evaluation.scores import audio_distance, measuring_options, pitch_accuracy, swap_scores, with_counts


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
