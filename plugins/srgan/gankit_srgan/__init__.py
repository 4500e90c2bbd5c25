"""SRGAN for gankit: photographs at four times their resolution."""
