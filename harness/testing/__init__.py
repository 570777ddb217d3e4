"""Laws that every plugin must obey, and tiny models to try one on."""

__all__ = []
