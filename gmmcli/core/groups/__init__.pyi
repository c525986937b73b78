from .borders import draw_territories as draw_territories
from .groups import Groups as Groups
from .groups import find_groups as find_groups
from .groups import label_points as label_points
from .terrain import survey as survey
from .tree import Tree as Tree
