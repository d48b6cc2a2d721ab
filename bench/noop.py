"""The limit: a Celery task that does nothing, with the same broker, serialisation and two prefork processes."""

import sys

from workers.app import make_app
from workers.host import settings

app = make_app(settings())


@app.task(name="bench.noop")
def noop(**_: object) -> None:
    """Nothing."""


if __name__ == "__main__":
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    app.worker_main(["worker", "-Q", sys.argv[1], "-c", "2", *quiet])
