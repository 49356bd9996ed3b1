"""Inks of charts: the colours of the light page, and the variables of the style sheet for them."""

INK, MUTED, GRID = "#1c2733", "#5d6975", "#dde2e7"
NORMAL, ANOMALY, MODEL = "#2c6fb3", "#cf3f54", "#d9822b"
INKS = {"ink": INK, "muted": MUTED, "grid": GRID}
INKS |= {"normal": NORMAL, "anomaly": ANOMALY, "model": MODEL}
