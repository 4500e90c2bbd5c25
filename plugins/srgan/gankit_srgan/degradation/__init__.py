"""How small pictures come to be damaged: blur, resizing, noise and JPEG, as training and judging need them.

`options` says how much of what; `pipeline` damages batches in TensorFlow's graph; `tracks` damages single photographs
with real encoders, to judge by. `blur`, `resampling` and `jpeg` are the pipeline's parts.
"""
