"""Which model is meant, a folder to load it from, its number type and its size."""

from harness.models import references
from harness.models.dtypes import Dtype, as_dtype, resolve_dtype
from harness.models.folders import model_files, read_config, shapes_in
from harness.models.references import CONVERSION, EMBEDDED, HUB_ID, ModelRef, materialise, quiet, resolve, short_name
from harness.models.sizes import KNOWN
from harness.models.stored import numbers_in
from harness.models.targets import check_named, lora_targets, means, named_layers

__all__ = [
    "CONVERSION",
    "EMBEDDED",
    "HUB_ID",
    "KNOWN",
    "Dtype",
    "ModelRef",
    "as_dtype",
    "check_named",
    "lora_targets",
    "materialise",
    "means",
    "model_files",
    "named_layers",
    "numbers_in",
    "quiet",
    "read_config",
    "references",
    "resolve",
    "resolve_dtype",
    "shapes_in",
    "short_name",
]
