"""Price bars: `read` knows the usual files and gives clean `Series`, `describe` and `text` say what they hold."""

from gankit_stock_gan.bars.describe import describe, text
from gankit_stock_gan.bars.read import read
from gankit_stock_gan.bars.series import Series

__all__ = ["Series", "describe", "read", "text"]
