"""Live sensors: samples go in one by one, verdicts and drift alarms come out.

This folder imports all floors up to `runner`.
"""

from .autocorrelation import uncorrelated_spacing
from .drift import Drift, DriftSettings
from .stream import StreamResult, StreamScorer

__all__ = ["Drift", "DriftSettings", "StreamResult", "StreamScorer", "uncorrelated_spacing"]
