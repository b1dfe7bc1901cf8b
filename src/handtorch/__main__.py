"""``python -m handtorch script.py``: run a PyTorch script on Handtorch."""

import sys

from handtorch.compat.run import main

sys.exit(main(sys.argv[1:]))
