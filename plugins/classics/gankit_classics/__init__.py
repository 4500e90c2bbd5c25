"""The classic generative adversarial networks as recipes of gankit."""
