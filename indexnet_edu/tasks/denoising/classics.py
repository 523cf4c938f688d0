"""What one would take without a network: nothing, non-local means, total variation.

All three are told the noise level, as the networks are by their training, and are measured on the
same images with the same noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from ...engine.task import Split
from ...metrics import DenoisingMetrics

__all__ = ["CLASSICS", "measure_classic"]

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


def measure_classic(name: str, tests: Mapping[str, Split], sigma: int) -> dict[str, float]:
    """The metrics of a run, for a denoiser that learns nothing.

    Args:
        name: one of ``CLASSICS``.
        tests: ``load_data(recipe).test``, on the CPU.
        sigma: of the noise, in grey levels.

    Returns:
        Metrics named as a run names them: ``bsd68_sigma25_psnr``.
    """
    found: dict[str, float] = {}
    for test, split in tests.items():
        metrics = DenoisingMetrics()
        for number in range(len(split)):
            noisy, clean = split.batch(torch.tensor([number]), torch.Generator())
            result = CLASSICS[name](noisy[0, 0].numpy(), sigma / 255)
            metrics.update(torch.from_numpy(result)[None, None], clean)
        found |= {f"{test}_{key}": value for key, value in metrics.compute().items()}
    return found
