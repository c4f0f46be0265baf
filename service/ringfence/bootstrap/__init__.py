"""Puts the parts together. The only place that names concrete classes of every kind."""

from ringfence.bootstrap.node import Node, open_node

__all__ = ["Node", "open_node"]
