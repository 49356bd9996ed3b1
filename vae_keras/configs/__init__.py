"""Configurations of a training run: its data, its model, its training.

Three frozen records that never merge; each is a part of `config.json` in the run directory. This
folder imports no other of this package.
"""

from .data import BAD_COLUMNS as BAD_COLUMNS
from .data import BAD_ROWS as BAD_ROWS
from .data import DataConfig as DataConfig
from .model import ACTIVATIONS as ACTIVATIONS
from .model import SIGMAS as SIGMAS
from .model import ModelConfig as ModelConfig
from .training import DECAYS as DECAYS
from .training import PRECISIONS as PRECISIONS
from .training import PROGRAMS as PROGRAMS
from .training import SCHEDULES as SCHEDULES
from .training import TrainConfig as TrainConfig
