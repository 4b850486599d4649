from . import mlflow_internals as mlflow_internals, postgres as postgres
from .addresses import (
    DEFAULT_URI as DEFAULT_URI,
    address_issue as address_issue,
    normalised as normalised,
    portable_uri as portable_uri,
    redact_password as redact_password,
    resolved_uri as resolved_uri,
    sqlite_path as sqlite_path,
)
from .artifacts import ArtifactMissingError as ArtifactMissingError, fetch_artifact as fetch_artifact
from .database import prepare as prepare
from .mlflow_store import (
    PARENT_TAG as PARENT_TAG,
    MlflowStore as MlflowStore,
    Point as Point,
    open_store as open_store,
    sanitize_text as sanitize_text,
    truncate_values as truncate_values,
)
from .refused_values import RefusedValue as RefusedValue
from .schema_issues import schema_issue as schema_issue
from .store_errors import (
    failure as failure,
    is_misdirected as is_misdirected,
    is_unavailable as is_unavailable,
    reason_of as reason_of,
    short_http_timeouts as short_http_timeouts,
)
