"""A model server in the torch engine's place: the environment it runs in, its process, what is asked of it."""

from harness.serving.environment import (
    BUILDS,
    INSTALL,
    Build,
    VllmEnvironment,
    environment_python,
    find_environment,
    look_into,
    misfit,
    plugin_version,
)
from harness.serving.installing import install
from harness.serving.loading import EngineChoice, ServedModels, engine_choice, read_adapter_config

__all__ = [
    "BUILDS",
    "INSTALL",
    "Build",
    "EngineChoice",
    "ServedModels",
    "VllmEnvironment",
    "engine_choice",
    "environment_python",
    "find_environment",
    "install",
    "look_into",
    "misfit",
    "plugin_version",
    "read_adapter_config",
]
