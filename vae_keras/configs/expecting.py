"""What a config is refused for: all say it in one form."""


def check(expected: str, received: object, holds: bool) -> None:
    """Raises ValueError, "expected a ...", where it does not hold."""
    if not holds:
        raise ValueError(f"expected a {expected}. Received: {received}.")
