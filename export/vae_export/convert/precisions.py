"""Names of formats and precisions; imports nothing, so that the command line starts at once."""

FORMATS = ("onnx", "tflite")
PRECISIONS = ("fp32", "fp16", "dynamic", "int8")
