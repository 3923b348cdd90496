"""`python -m egma.finetune.mini`: see `egma.finetune.mini.recipe`."""

import sys

from egma.finetune.mini.recipe import main

sys.exit(main())
