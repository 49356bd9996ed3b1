"""The names of what can be asked for; known before TensorFlow is."""

FORMATS = ("onnx", "tflite")
PRECISIONS = ("fp32", "fp16", "dynamic", "int8")
