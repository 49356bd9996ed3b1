"""Ground floor: names of array types, Keras's settings, TensorFlow's log, optional libraries.

It imports no other folder of this package.
"""
