from .background import BackgroundDelivery as BackgroundDelivery
from .checkpoint import DeliveryState as DeliveryState, excluded_line as excluded_line, read_delivered as read_delivered
from .mlflow_points import points_of as points_of, sample_tags as sample_tags
from .run_delivery import RunDelivery as RunDelivery
from .scheduler import DeliveryScheduler as DeliveryScheduler
from .silent_runs import SILENT_MS as SILENT_MS, Reaped as Reaped, reap_store as reap_store
from .store_check import Difference as Difference, StoreCheck as StoreCheck, check_store as check_store
from .store_repair import repair_samples as repair_samples
from .variant_run import deleted_in_store as deleted_in_store
