"""The least that a form could be: a Flask route that commits one row, served as the portal is."""

import sys
from typing import Any

from flask import Flask, request
from gunicorn.app.base import BaseApplication
from sqlalchemy import text

from models.session import open_engine, open_sessions

TABLE = "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, said TEXT NOT NULL)"
SERIAL = "CREATE TABLE IF NOT EXISTS bare (id SERIAL PRIMARY KEY, said TEXT NOT NULL)"


def make_app(url: str) -> Flask:
    """One route over one database, through the same engine and sessions as everything of ours."""
    app = Flask("bare")
    engine = open_engine(url)
    sessions = open_sessions(engine)
    with engine.begin() as connection:
        connection.execute(text(SERIAL if url.startswith("postgresql") else TABLE))
    engine.dispose()

    @app.post("/")
    def take() -> tuple[str, int]:
        with sessions.begin() as session:
            session.execute(text("INSERT INTO bare (said) VALUES (:said)"), {"said": request.form["message"]})
        return "", 303

    return app


class Served(BaseApplication):  # type: ignore[misc]
    """As `vastine web` serves the portal."""

    def __init__(self, port: int, url: str) -> None:
        self._port, self._url = port, url
        super().__init__()

    def load_config(self) -> None:
        """One process, eight threads."""
        options = {"bind": [f"127.0.0.1:{self._port}"], "worker_class": "gthread", "threads": 8, "workers": 1}
        for key, value in {**options, "loglevel": "warning", "control_socket_disable": True}.items():
            if key in self.cfg.settings:
                self.cfg.set(key, value)

    def load(self) -> Any:
        """Made after the fork."""
        return make_app(self._url)


if __name__ == "__main__":
    number, address = int(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[:1]
    Served(number, address).run()
