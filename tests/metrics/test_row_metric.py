"""What every metric over all samples does, each against its reference, alone and on two gloo processes."""

import pickle

import matplotlib.pyplot as plt
import pytest
import torch
from torch import Tensor
from torchmetrics import MetricCollection

OF_LATENTS = ["mig", "dmig", "xmig", "dlig", "sap", "modularity", "dci", "latent_information"]
OF_TRAVERSALS = ["smoothness", "monotonicity"]


def whole(tester) -> list[Tensor]:
    """All samples in one batch."""
    return [torch.arange(len(tester))]


def named(rows: tuple[Tensor, ...]) -> dict[str, Tensor]:
    return dict(zip(("latents", "attributes", "indices"), rows, strict=True))


def halves(tester) -> tuple[Tensor, Tensor]:
    return torch.arange(len(tester) // 2), torch.arange(len(tester) // 2, len(tester))


def test_alone_it_gives_the_value_of_its_reference(tester):
    values = tester.values(whole(tester))

    assert values == tester.approximately()
    assert len(set(values.values())) > 1  # so that no attribute can pass for another


def test_references_tell_the_metrics_apart(reference):
    gaps = [tuple(reference.TESTERS[name].expected().values()) for name in ("mig", "dmig", "xmig", "dlig", "sap")]

    for i, gap in enumerate(gaps):
        assert all(gap != pytest.approx(other, abs=1e-3) for other in gaps[:i])


# Batches.


@pytest.mark.parametrize("size", [1, 7, 16])
def test_neither_batches_nor_their_order_matter(tester, size):
    together = tester.values(whole(tester))
    for seed in range(2):
        order = torch.randperm(len(tester), generator=torch.Generator().manual_seed(seed))
        assert tester.values(order.split(size)) == together


def test_without_indices_batches_do_not_matter_and_nothing_warns(tester, recwarn):
    assert tester.values(torch.arange(len(tester)).split(16), with_indices=False) == tester.values(whole(tester))
    assert not [str(warning.message) for warning in recwarn if "indices" in str(warning.message)]


def test_a_sample_that_comes_twice_counts_once(tester):
    n = len(tester)
    for twice in ([3], [n - 1, 0, 0], list(range(n))):
        metric = tester.updated([*torch.arange(n).split(16), twice])
        assert tester.values([], metric=metric) == tester.approximately()


def test_without_indices_a_sample_that_comes_twice_counts_twice(tester, reference):
    once, twice = (tester.updated([*whole(tester), *more], with_indices=False).compute() for more in ([], [[0, 1]]))

    assert reference.count_of(twice) == reference.count_of(once) + 2
    assert reference.values_of(twice) != reference.values_of(once)


def test_of_a_sample_that_comes_twice_the_first_counts(tester, reference):
    latents, attributes, indices = tester.rows(torch.arange(len(tester)))
    metric = tester.updated(whole(tester))
    metric.update(latents.flip(-1), attributes + 1, indices)

    assert reference.values_of(metric.compute()) == tester.approximately()


def test_indices_may_be_of_any_integer_type_and_order(tester, reference):
    latents, attributes, _ = tester.rows(torch.arange(len(tester)))
    for dtype in (torch.uint8, torch.int16, torch.int32, torch.int64):
        metric = tester.make()
        for batch in torch.arange(len(tester)).flip(0).split(16):
            metric.update(latents[batch], attributes[batch], batch.to(dtype))
        assert reference.values_of(metric.compute()) == tester.approximately()


@pytest.mark.parametrize("tester", OF_LATENTS + OF_TRAVERSALS, indirect=True)
def test_an_empty_batch_is_accepted_and_changes_nothing(tester):
    first, second = halves(tester)
    nothing = torch.empty(0, dtype=torch.int64)

    assert tester.values([nothing, first, nothing, second, nothing]) == tester.approximately()


def test_more_updates_count_after_a_value_was_computed(tester, reference):
    first, second = halves(tester)
    metric = tester.updated([first])
    before = metric.compute()
    after = tester.updated([second], metric).compute()

    assert reference.values_of(before) == tester.approximately(first)
    assert reference.values_of(after) == tester.approximately()
    assert (reference.count_of(before), reference.count_of(after)) == (len(first), len(tester))


def test_reset_forgets_every_sample(tester):
    first, second = halves(tester)
    metric = tester.updated([first])
    metric.compute()
    metric.reset()

    assert tester.values([second], metric=metric) == tester.approximately(second)


def test_forward_gives_the_value_of_the_batch_and_keeps_it(tester, reference):
    first, second = halves(tester)
    metric = tester.make()

    of_batches = [reference.values_of(metric(*tester.rows(batch))) for batch in (first, second)]

    assert of_batches == [tester.approximately(first), tester.approximately(second)]
    assert reference.values_of(metric.compute()) == tester.approximately()


def test_the_state_of_another_metric_can_be_merged(tester):
    first, second = (tester.updated([half]) for half in halves(tester))
    first.merge_state(second)

    assert tester.values([], metric=first) == tester.approximately()


@pytest.mark.parametrize("tester", OF_LATENTS, indirect=True)
def test_latents_of_half_precision_are_taken_as_they_are(tester, reference):
    latents, attributes, indices = tester.rows(torch.arange(len(tester)))
    metric = tester.make()
    metric.update(latents.bfloat16(), attributes, indices)

    expected = reference.by_key(tester.reference(latents.bfloat16().double(), attributes))
    assert reference.values_of(metric.compute()) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("tester", OF_LATENTS, indirect=True)
def test_double_precision_is_kept(tester, reference):
    """In single precision a tenth of these attributes would be the same."""
    latents, attributes, indices = tester.rows(torch.arange(len(tester)))
    latents, attributes = latents.double(), 1.0 + 1e-5 * attributes.double()
    metric = tester.make()
    metric.update(latents, attributes, indices)

    expected = reference.by_key(tester.reference(latents, attributes))
    assert reference.values_of(metric.compute()) == pytest.approx(expected, abs=1e-9)


def test_nothing_holds_on_to_the_graph_of_the_model(tester):
    latents, attributes, indices = tester.rows(torch.arange(len(tester)))
    for call in ("update", "forward"):
        metric = tester.make()
        getattr(metric, call)(latents.clone().requires_grad_(), attributes.clone().requires_grad_(), indices)
        assert not [values for state in metric.metric_state.values() for values in state if values.requires_grad]


# Copies, devices, checkpoints, plots.


def test_a_metric_is_pickled_with_its_samples(tester):
    first, second = halves(tester)
    metric = tester.updated([first])
    for computed in (False, True):
        if computed:
            metric.compute()
        revived = pickle.loads(pickle.dumps(metric))
        assert tester.values([], metric=revived) == tester.approximately(first)
        assert tester.values([second], metric=revived) == tester.approximately()


def test_a_value_is_pickled_with_what_it_was_estimated_with(tester):
    value = tester.updated(whole(tester)).compute()

    assert repr(pickle.loads(pickle.dumps(value))) == repr(value)


def test_a_clone_goes_its_own_way(tester):
    first, second = halves(tester)
    metric = tester.updated([first])
    metric.compute()
    clone = metric.clone()
    tester.updated([second], clone)

    assert tester.values([], metric=clone) == tester.approximately()
    assert tester.values([], metric=metric) == tester.approximately(first)
    assert repr(clone.clone().compute()) == repr(clone.compute())


def test_moves_between_devices_and_types_keep_every_sample(tester):
    first, second = halves(tester)
    metric = tester.updated([first])
    for moved in (metric.to("cpu"), metric.double(), metric.float(), metric.half(), metric.cpu()):
        assert moved is metric
        assert {batch.dtype for state in metric.ROWS for batch in getattr(metric, state)} == {torch.float64}
        assert {batch.dtype for batch in metric.indices} == {torch.int64}

    assert tester.values([second], metric=metric) == tester.approximately()


def test_the_state_goes_into_a_checkpoint_where_it_is_asked_for(tester):
    first, second = halves(tester)
    metric = tester.updated([first])
    assert metric.state_dict() == {}

    metric.persistent(True)
    revived = tester.make()
    revived.persistent(True)
    revived.load_state_dict(metric.state_dict())

    assert tester.values([second], metric=revived) == tester.approximately()


def test_samples_may_be_kept_in_main_memory(tester):
    assert tester.values(torch.arange(len(tester)).split(16), compute_on_cpu=True) == tester.approximately()


def test_values_are_plotted(tester, reference):
    plt.switch_backend("Agg")  # no screen
    metric = tester.updated(whole(tester))

    figure, axes = metric.plot()
    _, given = plt.subplots()
    nothing, same = metric.plot([metric.compute(), metric.compute()], ax=given)

    shown = {float(y) for line in axes.lines for y in line.get_ydata()}
    assert isinstance(figure, plt.Figure)
    assert shown >= set(tester.values([], metric=metric).values())
    assert (nothing, same) == (None, given)
    assert len(given.lines) == len(axes.lines)
    plt.close("all")


# Wrong inputs.


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_compute_without_samples_is_refused(tester):
    metric = tester.make()
    with pytest.raises(ValueError, match=f"{type(metric).__name__} was given no samples; update it before compute"):
        metric.compute()

    assert tester.values(whole(tester), metric=metric) == tester.approximately()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda indices: indices.float(), id="float"),
        pytest.param(lambda indices: indices[1:], id="one too few"),
        pytest.param(lambda indices: indices[:, None], id="column"),
        pytest.param(lambda indices: indices[0], id="scalar"),
    ],
)
def test_wrong_indices_are_refused(tester, wrong):
    latents, attributes, indices = tester.rows([0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"indices is torch.*expected integers of shape \(4,\)"):
        tester.make().update(latents, attributes, wrong(indices))


@pytest.mark.parametrize("tester", ["mig", "smoothness"], indirect=True)
def test_a_mask_in_the_place_of_indices_is_refused(tester):
    latents, attributes, indices = tester.rows([0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"indices is torch.bool.*expected integers of shape \(4,\)"):
        tester.make().update(latents, attributes, indices > 9)


def test_indices_are_for_all_samples_or_none(tester):
    first, second = halves(tester)
    metric = tester.updated([second], tester.updated([first]), with_indices=False)

    with pytest.raises(ValueError, match=f"with indices for some samples but not for {len(second)} others"):
        metric.compute()


@pytest.mark.parametrize("wider", ["latents", "attributes"])
@pytest.mark.parametrize("tester", OF_LATENTS[:-1], indirect=True)
def test_a_batch_of_other_widths_is_refused(tester, wider):
    first, second = halves(tester)
    batch = named(tester.rows(second))
    width = batch[wider].shape[1]
    batch[wider] = torch.cat([batch[wider], torch.randn(len(second), 1)], dim=1)
    metric = tester.updated([first])

    with pytest.raises(ValueError, match=f"{wider} has rows of {width + 1} values; expected {width}, as before"):
        metric.update(**batch)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("wider", ["latents", "attributes"])
@pytest.mark.parametrize("tester", ["mig"], indirect=True)
def test_batches_of_other_widths_that_were_evaluated_on_their_own_are_refused_together(tester, wider):
    first, second = halves(tester)
    batch = named(tester.rows(second))
    width = batch[wider].shape[1]
    batch[wider] = torch.cat([batch[wider], torch.randn(len(second), 1)], dim=1)
    metric = tester.updated([first])

    metric(**batch)  # torchmetrics gives its value from the batch alone, and adds it to the rest

    with pytest.raises(ValueError, match=f"{wider} has rows of {width + 1} values; expected {width}, as before"):
        metric.compute()


@pytest.mark.parametrize("tester", OF_TRAVERSALS, indirect=True)
def test_a_batch_of_other_attributes_is_refused(tester):
    first, second = halves(tester)
    latents, attributes, indices = tester.rows(second)
    metric = tester.updated([first])

    with pytest.raises(ValueError, match="has rows of 1 values; expected 2, as before"):
        metric.update(latents[:, :1], attributes[:, :1], indices)


@pytest.mark.parametrize("tester", ["mig"], indirect=True)
@pytest.mark.parametrize("wrong", ["latents", "attributes", "indices"])
def test_a_refused_batch_leaves_the_metric_as_it_was(tester, wrong):
    first, second = halves(tester)
    batch = named(tester.rows(second))
    batch[wrong] = batch[wrong][..., :2]
    metric = tester.updated([first])
    with pytest.raises(ValueError, match=wrong):
        metric.update(**batch)

    assert tester.values([second], metric=metric) == tester.approximately()


@pytest.mark.parametrize("tester", OF_LATENTS, indirect=True)
@pytest.mark.parametrize(
    ("latents", "attributes"),
    [((5, 4), (4, 3)), ((5,), (5, 3)), ((5, 4), (5,)), ((5, 4, 1), (5, 3)), ((5, 4), (5, 3, 1)), ((0, 4), (1, 3))],
)
def test_latents_and_attributes_that_do_not_match_are_refused(tester, latents, attributes):
    with pytest.raises(ValueError) as refusal:
        tester.make().update(torch.randn(latents), torch.randn(attributes))

    assert f"latents has shape {latents} and attributes {attributes}" in str(refusal.value)


@pytest.mark.parametrize("name", ["latents", "attributes"])
def test_values_that_are_not_finite_are_refused(tester, name):
    batch = named(tester.rows(torch.arange(len(tester))))
    batch[name][3, 1] = torch.nan
    metric = tester.make()

    with pytest.raises(ValueError, match=f"{name} is nan at"):
        metric.update(**batch)
        metric.compute()


@pytest.mark.parametrize("tester", ["mig", "dmig", "xmig", "dlig", "modularity", "latent_information"], indirect=True)
def test_too_few_samples_are_refused_until_there_are_enough(tester):
    metric = tester.updated([[0, 1, 2]])
    with pytest.raises(ValueError, match="latents has 3 samples; expected 4 or more, which KSG"):
        metric.compute()

    assert tester.values(whole(tester), metric=metric) == tester.approximately()


@pytest.mark.parametrize("tester", ["sap"], indirect=True)
def test_a_single_sample_is_refused_by_metrics_that_estimate_nothing(tester):
    with pytest.raises(ValueError, match=r"attributes\[:, 0\] is .* for every sample; expected an attribute"):
        tester.updated([[0]]).compute()


@pytest.mark.parametrize("tester", ["dci"], indirect=True)
def test_too_few_samples_to_halve_are_refused(tester):
    with pytest.raises(ValueError, match="latents has 3 samples; expected 4 or more, half of them"):
        tester.updated([[0, 1, 2]]).compute()


@pytest.mark.parametrize("tester", OF_LATENTS, indirect=True)
@pytest.mark.parametrize("names", [["brightness", "depth"], ["brightness", "depth", "level", "pitch"]])
def test_a_wrong_number_of_attribute_names_is_refused(tester, names):
    metric = tester.make(attribute_names=names)
    with pytest.raises(ValueError, match=rf"attributes has 3 columns and attribute_names {len(names)} \(brightness, "):
        tester.updated(whole(tester), metric)


@pytest.mark.parametrize("tester", ["mig", "dmig", "xmig", "dlig", "modularity", "latent_information"], indirect=True)
def test_unknown_estimators_are_refused(tester):
    with pytest.raises(ValueError, match="estimator is 'histogram'; expected 'ksg', 'binned'"):
        tester.make(estimator="histogram")
    with pytest.raises(ValueError, match="n_neighbors is 0; expected a whole number of 1 or more"):
        tester.make(n_neighbors=0)


# Collections.


def test_a_collection_gives_readable_keys_and_the_values_of_each_metric(reference):
    names = ["brightness", "depth", "level"]
    testers = {name: reference.TESTERS[name] for name in ("mig", "dmig", "xmig", "dlig", "sap")}
    members = {name: tester.make(attribute_names=names) for name, tester in testers.items()}
    collection = MetricCollection(members, prefix="val/")
    testers["mig"].updated(torch.arange(151).split(64), collection)

    values = collection.compute()

    expected = {
        f"val/{metric}/{name}": value
        for metric, tester in testers.items()
        for name, value in zip(names, tester.expected().values(), strict=True)
    }
    assert reference.values_of(values) == pytest.approx(expected, abs=1e-9)
    counts = {key: value.item() for key, value in values.items() if key not in expected}
    of_ksg = {f"val/{name}/n_ksg-k3": 151.0 for name in ("mig", "dmig", "xmig", "dlig")}
    assert counts == of_ksg | {"val/sap/n_samples": 151.0}


def test_a_collection_of_vectors_gives_keys_of_the_classes(reference):
    collection = MetricCollection([reference.TESTERS[name].make() for name in ("dmig", "modularity")], prefix="val/")
    reference.TESTERS["dmig"].updated([torch.arange(151)], collection)

    values = collection.compute()

    assert set(values) == {"val/DependencyAwareMutualInformationGap", "val/Modularity"}
    assert reference.values_of(values["val/Modularity"]) == reference.TESTERS["modularity"].approximately()


def test_all_metrics_of_latents_share_one_state(reference):
    collection = MetricCollection({name: reference.TESTERS[name].make() for name in OF_LATENTS})
    reference.TESTERS["mig"].updated(torch.arange(151).split(64), collection)

    assert [sorted(group) for group in collection.compute_groups.values()] == [sorted(OF_LATENTS)]
    assert len({id(metric.latents) for metric in collection.values(copy_state=False)}) == 1


@pytest.mark.parametrize("compute_groups", [True, False])
def test_a_collection_may_be_computed_reset_and_updated_again(reference, compute_groups):
    tester = reference.TESTERS["dmig"]
    first, second = halves(tester)
    collection = MetricCollection(
        {name: reference.TESTERS[name].make() for name in ("mig", "dmig")}, compute_groups=compute_groups
    )

    for batches, positions in (([first], first), ([second], None)):  # the second time both halves count
        tester.updated(batches, collection)
        values = collection.compute()
        for name in ("mig", "dmig"):
            expected = reference.TESTERS[name].approximately(positions)
            assert reference.values_of(values[name]) == expected
    collection.reset()
    tester.updated([second], collection)
    assert reference.values_of(collection.compute()["dmig"]) == tester.approximately(second)


def test_two_of_a_kind_in_a_collection_keep_their_keys_apart(reference):
    tester = reference.TESTERS["latent_information"]
    collection = MetricCollection({"three": tester.make(), "five": tester.make(n_neighbors=5)})
    tester.updated(whole(tester), collection)

    values = collection.compute()

    expected = {f"three_{key}": value for key, value in tester.expected().items()}
    assert {key: value.item() for key, value in values.items() if key in expected} == pytest.approx(expected, abs=1e-9)
    assert {key for key in values if "n_ksg" in key} == {"three_val/n_ksg-k3", "five_val/n_ksg-k5"}
    assert values["five_val/dmig/level"] != values["three_val/dmig/level"]


def test_a_collection_within_a_collection_keeps_the_keys(reference):
    tester = reference.TESTERS["latent_information"]
    for prefix, outer in ((None, ""), ("on_melodies/", "on_melodies/")):
        within = MetricCollection({"information": tester.make(prefix="")}, prefix=prefix)
        collection = MetricCollection([within])
        tester.updated(whole(tester), collection)

        expected = {key.replace("val/", outer): value for key, value in tester.expected().items()}
        assert reference.values_of(collection.compute()) == pytest.approx(expected, abs=1e-9)


def first_alike() -> tuple[Tensor, Tensor]:
    """Traversals of which the first rises evenly, so that it scores 1 by every measure, and the second does not."""
    positions = torch.arange(5.0).expand(2, 5)
    return positions, torch.stack([positions[0], torch.tensor([0.0, 1.0, 0.5, 0.5, 3.0])])


def test_metrics_of_traversals_stay_apart_in_a_collection(reference):
    latents, attributes = first_alike()
    collection = MetricCollection({name: reference.TESTERS[name].make() for name in OF_TRAVERSALS})
    for batch in range(2):
        collection.update(latents[[batch]], attributes[[batch]])

    values = {name: value.item() for name, value in collection.compute().items()}

    second = {name: getattr(reference, name)(latents[1:, None], attributes[1:, None])[0] for name in OF_TRAVERSALS}
    assert values == pytest.approx({name: (1.0 + score) / 2 for name, score in second.items()}, abs=1e-9)


def test_thresholds_stay_apart_in_a_collection(reference):
    latents, attributes = first_alike()
    make = reference.TESTERS["monotonicity"].make
    collection = MetricCollection({"low": make(threshold=0.1), "high": make(threshold=0.7)})
    for batch in range(2):
        collection.update(latents[[batch]], attributes[[batch]])

    values = {name: value.item() for name, value in collection.compute().items()}

    assert values == pytest.approx({"low": (1.0 + 1 / 3) / 2, "high": 1.0}, abs=1e-12)


# Two processes.


@pytest.mark.parametrize("scenario", ["three batches and one", "second idle", "first idle", "padded", "all twice"])
def test_two_processes_count_every_sample_once(two_processes, tester, request, scenario):
    name = request.node.callspec.params["tester"]
    alone = tester.values(whole(tester))

    for of_rank in two_processes:
        assert of_rank[name][scenario] == {"values": alone, "count": len(tester)}
    assert alone == tester.approximately()


def test_two_processes_may_compute_update_and_compute_again(two_processes, tester, request):
    n = len(tester)
    first = torch.arange(n - n // 5)

    for of_rank in two_processes:
        before, after, reset = of_rank[request.node.callspec.params["tester"]]["again"]
        assert before["values"] == tester.values([first]) == tester.approximately(first)
        assert after["values"] == tester.values(whole(tester))
        assert reset == before
        assert (before["count"], after["count"]) == (len(first), n)


def test_two_processes_warn_where_repeated_samples_count_twice(two_processes, tester, request, reference):
    shares = reference.loaded(reference.Path(__file__).with_name("two_processes.py")).shares(len(tester))["padded"]
    alone = tester.updated([torch.cat([torch.cat(batches) for batches in shares])], with_indices=False).compute()

    for of_rank in two_processes:
        outcome = of_rank[request.node.callspec.params["tester"]]
        assert outcome["without indices"] == {"values": reference.values_of(alone), "count": len(tester) + 1}
        (warning,) = outcome["warnings without indices"]
        assert "samples that a distributed sampler repeats to fill its last batch count twice" in warning


def test_two_processes_may_keep_samples_in_main_memory(two_processes, tester, request):
    for of_rank in two_processes:
        assert of_rank[request.node.callspec.params["tester"]]["on the CPU"]["values"] == tester.approximately()


def test_two_processes_refuse_the_same(two_processes, tester, request):
    n = len(tester)
    without = len(range(1, n - n // 5, 2))
    for of_rank in two_processes:
        outcome = of_rank[request.node.callspec.params["tester"]]
        assert "was given no samples; update it before compute" in outcome["nobody has samples"]
        assert f"indices for some samples but not for {without} others" in outcome["one without indices"]


def test_two_processes_agree_on_a_collection_that_shares_its_state(two_processes, reference):
    names = ("dmig", "mig", "sap", "modularity")
    expected = {
        f"val/{name}/{key}": value for name in names for key, value in reference.TESTERS[name].expected().items()
    }

    for of_rank in two_processes:
        for scenario, values in of_rank["collection"].items():
            assert values == pytest.approx(expected, abs=1e-9), scenario
    assert two_processes[0]["collection"] == two_processes[1]["collection"]


@pytest.mark.slow
def test_two_processes_take_short_indices_where_one_is_idle(tmp_path, reference):
    outcomes = reference.outcomes_of_pair("int32", tmp_path)

    assert [outcome["values"] for outcome in outcomes] == [reference.TESTERS["mig"].approximately()] * 2
