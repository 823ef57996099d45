"""The figures of the paper, and what it does not show: what the latents hold, whom the sampling really prefers.

./run_experiments.sh figures   # 25 minutes on two cores, 5 where rule is done
"""

from experiments.engine.experiment import Experiment
from experiments.settings import CNN, DATA, FACES, K_THAT_WORKS, RARE, changed, debiased, vae

# After the short training the reconstructions show light, pose and tone, not yet a face.
LONG = changed(vae(), "vae-long", "VAE, uniform, k = 100, 30 epochs", epochs=30)
RESAMPLED = (debiased("max"), debiased("product"), debiased("product", K_THAT_WORKS))
BARS = (CNN, vae(), *RESAMPLED)  # Fig. 5B
TRAVERSED = (debiased("max"), debiased("product", K_THAT_WORKS), LONG)  # Fig. 5A
EXPLAINED = (vae(), LONG)  # by the known factors

EXPERIMENT = Experiment(
    name="figures",
    title="The paper's figures, and what it does not show",
    settings=(*BARS, LONG),
    seeds=(0, 1, 2),
    base=FACES,
    data=DATA,
    rare=RARE,
    minutes=25,
)
