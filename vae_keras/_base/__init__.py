"""Ground floor: names of array types, HTML pages, Keras's settings, TensorFlow's log, libraries.

It imports no other folder of this package.
"""
