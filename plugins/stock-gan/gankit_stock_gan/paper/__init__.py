"""The stock-price GAN of Zhang et al. (2019), rebuilt as published and measured against what needs no training."""
