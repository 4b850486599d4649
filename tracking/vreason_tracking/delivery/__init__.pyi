from .background import BackgroundDelivery as BackgroundDelivery
from .checkpoint import DeliveryState as DeliveryState, read_delivered as read_delivered
from .mlflow_points import points_of as points_of, sample_tags as sample_tags
from .run_delivery import RunDelivery as RunDelivery
from .scheduler import DeliveryScheduler as DeliveryScheduler
from .silent_runs import SILENT_MS as SILENT_MS, Reaped as Reaped, reap_store as reap_store
