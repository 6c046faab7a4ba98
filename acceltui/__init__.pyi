from acceltui.engine.policy import Policy as Policy
from acceltui.engine.policy import load_policy as load_policy

__version__: str
