"""Every adapter has what the four places of `docs/adding-a-channel.md` ask for: contract suite, template, settings."""

from __future__ import annotations

import ast
import tomllib

from tests.support.repository import ROOT, files, python_files

CHANNELS = tomllib.loads((ROOT / "config/channels.toml").read_text("utf-8"))
NAMED = sorted({section["adapter"].partition(":")[0] for section in CHANNELS.values()})
NO_ADAPTERS = {"channels.kit", "channels.practice"}


def _adapters_here() -> set[str]:
    below = (name.removesuffix(".py").split("/") for name in files() if name.startswith("channels/"))
    return {".".join(parts[:2]) for parts in below if parts[1] != "__init__"} - NO_ADAPTERS


def _under_contract() -> set[str]:
    """The modules of `channels` that a file of tests/contract imports beside a class that inherits a contract."""
    found: set[str] = set()
    for name, tree in python_files("tests"):
        if name.startswith("tests/contract/test_") and any(_is_suite(node) for node in tree.body):
            modules = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
            found |= {".".join(module.split(".")[:2]) for module in modules if module.startswith("channels.")}
    return found - NO_ADAPTERS


def _is_suite(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ClassDef)
        and node.name.startswith("Test")
        and any(isinstance(base, ast.Name) and base.id.endswith("Contract") for base in node.bases)
    )


def test_every_adapter_and_every_fake_passes_the_contract_suite() -> None:
    assert sorted((_adapters_here() | set(NAMED)) - _under_contract()) == []


def test_every_adapter_named_in_the_settings_has_a_module_and_a_folder_of_templates() -> None:
    templates = {name.split("/")[1] for name in files() if name.startswith("templates/") and name.endswith(".j2")}
    assert sorted(set(NAMED) - _adapters_here()) == []
    assert [adapter for adapter in NAMED if adapter.removeprefix("channels.") not in templates] == []
