"""The command line with less patience, so that no test waits a minute: `python -m tests.engine.fast worker`."""

import sys
from datetime import timedelta

import workers.schedule
import workflows.lease

workflows.lease.LEASE = timedelta(seconds=6)

import workflows.post  # noqa: E402  # after the lease that others take over by name

workflows.post.LEASE = timedelta(seconds=6)
for entry in workers.schedule.BEAT.values():
    if isinstance(entry["schedule"], float):
        entry["schedule"] = 1.0

from workers.cli import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1:])
