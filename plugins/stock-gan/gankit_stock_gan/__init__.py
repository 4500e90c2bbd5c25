"""A probabilistic market model beside the paper's stock-price GAN: the recipes `stock-gan` and `stock-gan-paper`."""
