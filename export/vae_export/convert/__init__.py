"""Graphs to files: ONNX and TFLite, rewritten, quantised, and run in the engines of devices.

It imports `graphs`. Nothing is judged here; `gates` does that.
"""
