"""Enlarging pictures of any size and kind with a trained network: `gankit srgan upscale`.

Reading (`decoders`, `pictures`), what a picture suffers from (`condition`, `automatic`), the network on windows
(`planes`) and on a picture tile by tile (`tiles`), writing strip by strip (`encoder`), and what a picture carries
beside its pixels (`metadata`, `exif`, `xmp`); `job` puts them together, and `batch` does many of them.
"""
