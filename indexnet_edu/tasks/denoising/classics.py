"""What one would take without a network: nothing, non-local means, total variation.

All three are told the noise level, as the networks are by their training, and are measured on the
same images with the same noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from ...engine import Split, TaskData
from .metrics import DenoisingMetrics
from .recipe import DenoisingRecipe

__all__ = ["CLASSICS", "measure_classics"]

#: An image (H, W), clean in [0, 1] and noisy beyond, and the noise's standard deviation, of 1.
Denoiser = Callable[[np.ndarray, float], np.ndarray]


def _noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    return image


def _non_local_means(image: np.ndarray, sigma: float) -> np.ndarray:
    """Buades et al. (2005): the mean of pixels whose 5×5 patches look alike, among 13×13."""
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        image, patch_size=5, patch_distance=6, h=NLM_STRENGTH * sigma, sigma=sigma, fast_mode=True
    )


def _total_variation(image: np.ndarray, sigma: float) -> np.ndarray:
    """Rudin, Osher, Fatemi (1992), solved as Chambolle (2004) does."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(image, weight=TV_STRENGTH * sigma)


# In units of the noise: the best of a few at σ = 25 on eight training photographs (BSD400, every
# fiftieth), so that no test image chose them.
NLM_STRENGTH = 0.6  # 28.53 dB; 0.8 gives 28.34
TV_STRENGTH = 0.8  # 28.37 dB; 1.0 gives 28.15

#: Name → denoiser, the noisy input itself first.
CLASSICS: dict[str, Denoiser] = {
    "noisy_input": _noisy,
    "non_local_means": _non_local_means,
    "total_variation": _total_variation,
}


def measure_classics(data: TaskData, recipe: DenoisingRecipe) -> dict[str, dict[str, float]]:
    """The metrics of a run, for each denoiser that learns nothing.

    Args:
        data: of the recipe, on the CPU.
        recipe: says the noise.

    Returns:
        Name → metrics named as a run names them: ``bsd68_sigma25_psnr``.
    """
    tests: Mapping[str, Split] = data.test  # type: ignore[assignment]  # several, by load_data
    found: dict[str, dict[str, float]] = {}
    for name, denoiser in CLASSICS.items():
        found[name] = {}
        for test, split in tests.items():
            metrics = DenoisingMetrics()
            for number in range(len(split)):
                batch = split.batch(torch.tensor([number]), seed=0)
                result = denoiser(batch.x[0, 0].numpy(), recipe.sigma / 255)
                metrics.update(torch.from_numpy(result)[None, None], batch.target)
            found[name] |= {f"{test}_{key}": value for key, value in metrics.compute().items()}
    return found
