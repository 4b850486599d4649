from .answering import Question as Question, answer_of as answer_of, request_of as request_of
from .batch import LoadedBatch as LoadedBatch, read_batch as read_batch
from .ema_peak import (
    final_peak as final_peak,
    final_peak_of_average as final_peak_of_average,
    final_peak_token as final_peak_token,
)
from .evaluator import EvaluationConfig as EvaluationConfig, Evaluator as Evaluator
from .failure_signatures import ADVICE as ADVICE, NOT_FINITE as NOT_FINITE
from .sample_records import record_of_steps as record_of_steps
