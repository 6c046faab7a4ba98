"""Figures as they are written down."""


def rounded(found: object) -> object:
    """With four digits after the point."""
    if isinstance(found, dict):
        return {key: rounded(value) for key, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return round(found, 4) if isinstance(found, float) else found
