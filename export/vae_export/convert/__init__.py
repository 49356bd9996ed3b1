"""Converters of graphs to ONNX and TFLite files: rewritten, quantised, run in devices' engines.

It imports `graphs`. Nothing is judged here; `gates` does that.
"""
