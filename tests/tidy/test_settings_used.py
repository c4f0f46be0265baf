"""A setting that nobody reads is a promise nobody keeps."""

from __future__ import annotations

import ast

from pydantic import BaseModel

from ringfence.config import settings
from tests.tidy.tree import SERVICE, python_files, tree_of


def test_every_setting_is_read_somewhere() -> None:
    read = {
        node.attr
        for path in python_files(SERVICE)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    models = [kind for kind in vars(settings).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    unread = [f"{model.__name__}.{name}" for model in models for name in model.model_fields if name not in read]
    assert unread == []
