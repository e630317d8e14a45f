"""Value: the revenue from customers, and the cost of acquiring them."""

from crmkpi._lazy import loader
from crmkpi._names import theme

__all__ = list(theme(__name__))

__getattr__ = loader(__name__, theme(__name__))
