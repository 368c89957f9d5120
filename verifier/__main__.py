"""`python -m verifier FILE --key VKEY`: see `verifier.command`."""

import sys

from verifier.command import main

if __name__ == "__main__":
    sys.exit(main())
