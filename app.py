"""Start the EGMA Workbench: `python app.py`, then the page opens in the browser."""

import sys

from app.main import main

if __name__ == "__main__":
    sys.exit(main())
