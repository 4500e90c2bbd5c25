"""Public names of `gankit.support`; `__init__.py` imports each when it is first used."""

from .files import columns_of as columns_of
from .files import new_folder as new_folder
from .files import sha256 as sha256
from .files import slug as slug
from .files import vacant as vacant
from .files import whole as whole
from .files import write as write
from .files import write_csv as write_csv
from .files import write_json as write_json
from .memory import peak_mb as peak_mb
from .network_file import read_facts as read_facts
from .network_file import read_network as read_network
from .network_file import write_network as write_network
from .places import home as home
from .places import offline as offline
from .progress import Bar as Bar
from .progress import Listener as Listener
from .progress import Progress as Progress
from .progress import TrainingBar as TrainingBar
from .tables import TextTable as TextTable
from .torch_file import read_tensors as read_tensors
from .values import duration as duration
from .values import figure as figure
from .values import finite as finite
from .values import flat as flat
from .values import human as human
