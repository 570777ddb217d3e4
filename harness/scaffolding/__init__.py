"""What a user begins with: a commented file of a setting, a package of plugins, schemas for editors."""

from harness.scaffolding.plugins import new_plugin
from harness.scaffolding.schemas import SCHEMAS, schema_of
from harness.scaffolding.settings import Begun, new_setting

__all__ = ["SCHEMAS", "Begun", "new_plugin", "new_setting", "schema_of"]
