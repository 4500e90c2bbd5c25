"""Public names of `gankit.images.metrics`; `__init__.py` imports each when it is first used."""

from .diversity import duplicate_rate as duplicate_rate
from .diversity import ms_ssim as ms_ssim
from .diversity import ms_ssim_diversity as ms_ssim_diversity
from .image_quality import luma as luma
from .image_quality import psnr as psnr
from .image_quality import ssim_daala as ssim_daala
from .image_quality import ssim_wang as ssim_wang
from .image_quality import super_resolution_scores as super_resolution_scores
from .naturalness import niqe as niqe
from .patches import patch_wasserstein as patch_wasserstein
from .picture_scores import PictureScores as PictureScores
from .picture_scores import score_pictures as score_pictures
