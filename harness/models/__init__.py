"""Which model is meant, a folder to load it from, its number type and its size."""

from harness.models import references
from harness.models.dtypes import Dtype, as_dtype, resolve_dtype
from harness.models.references import CONVERSION, EMBEDDED, ModelRef, materialise, quiet, resolve, short_name
from harness.models.sizes import KNOWN

__all__ = [
    "CONVERSION",
    "EMBEDDED",
    "KNOWN",
    "Dtype",
    "ModelRef",
    "as_dtype",
    "materialise",
    "quiet",
    "references",
    "resolve",
    "resolve_dtype",
    "short_name",
]
