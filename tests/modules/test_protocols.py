import torch

from modules.dsae import DSAE
from modules.protocols import AnyLength, Generative, PriorOfEach, Regularised, Swappable, TwoStage, lacking
from modules.vae import BetaVAE


def test_the_models_are_what_they_say():
    assert lacking(DSAE((5, 3)), Swappable) == lacking(DSAE((5, 3)), TwoStage) == []
    assert lacking(DSAE((5, 3)), AnyLength) == lacking(DSAE((5, 3)), PriorOfEach) == []
    vae = BetaVAE((1, 8, 8), latent_dim=3, width=1 / 16)
    assert lacking(vae, Regularised) == lacking(vae, Generative) == []


def test_what_a_model_lacks_is_named():
    assert lacking(BetaVAE((1, 8, 8), latent_dim=3, width=1 / 16), Swappable) == ["global_latent", "swap"]
    assert lacking(DSAE((5, 3)), Regularised) == ["attribute_names", "latent", "regularized_dims", "traverse"]
    assert lacking(torch.nn.Linear(1, 1), TwoStage) == ["enter_stage", "stage"]
