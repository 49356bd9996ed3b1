"""Writes photographs of parts: `parts/good`, `parts/scratched`, and `line`."""

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64
FOLDERS = {"parts/good": (300, 0), "parts/scratched": (0, 10), "line": (8, 2)}


def photograph(rng, *, scratched):
    """Brushed metal in changing light, with a scratch or without: uint8 (HEIGHT, WIDTH)."""
    x, y = np.arange(WIDTH)[None], np.arange(HEIGHT)[:, None]
    light = 120 + 20 * rng.uniform(-1, 1) + 0.3 * x
    image = light + 15 * np.sin(y / 3 + rng.uniform(0, 0.5)) + 4 * rng.normal(size=(HEIGHT, WIDTH))
    if scratched:
        slope, start = rng.uniform(-0.3, 0.3), rng.uniform(15, HEIGHT - 15)
        image[np.abs(y - start - slope * (x - WIDTH / 2)) < 1.5] = 250
    return image.clip(0, 255).astype(np.uint8)


def main():
    """Writes all folders, and what other programs leave in them."""
    rng = np.random.default_rng(0)
    for folder, (good, scratched) in FOLDERS.items():
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        for number in range(good + scratched):
            image = photograph(rng, scratched=number >= good)
            Image.fromarray(image).save(path / f"{number:03}.png")
    Path("parts/good/Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")


if __name__ == "__main__":
    main()
