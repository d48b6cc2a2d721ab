"""`/api/v1/metrics`: numbers for whoever watches the installation, in Prometheus' text format; none about a person."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.doors import Pulse
from models.staff import HumanTask
from models.vocabulary import TaskState
from webhooks.console.roles import EVERYONE, allow, by_token
from workflows.doors.minding import SWEEPS, alarms, standing
from workflows.runtime import Runtime

METRICS: dict[str, Any] = {
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "Whether requests arrive and are worked on.",
            "parameters": [],
            "responses": {
                "200": {
                    "description": "Prometheus text format 0.0.4",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                "default": {
                    "description": "A problem document (RFC 9457).",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        }
    }
}
"""The description of its one path."""

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def blueprint(rt: Runtime) -> Blueprint:
    """The one route."""
    routes = Blueprint("metrics", __name__, url_prefix="/api/v1")

    @routes.get("/metrics")
    @by_token
    @allow(EVERYONE)
    def metrics() -> BaseResponse:
        with rt.unit() as session:
            lines = list(_lines(session, rt))
        return Response("\n".join(lines) + "\n", content_type=_TYPE)

    return routes


def _lines(session: Session, rt: Runtime) -> Iterator[str]:
    yield "# TYPE vastine_door_shut gauge"
    doors = standing(session, rt)
    for door in doors:
        yield f'vastine_door_shut{{door="{_label(door.name)}"}} {int(door.shut)}'
    yield "# TYPE vastine_door_seconds_since_arrival gauge"
    for door in doors:
        if door.arrived_at is not None:
            yield f'vastine_door_seconds_since_arrival{{door="{_label(door.name)}"}} {_age(rt, door.arrived_at)}'
    pulse = session.get(Pulse, SWEEPS)
    if pulse is not None:
        yield "# TYPE vastine_work_seconds_since_sweep gauge"
        yield f"vastine_work_seconds_since_sweep {_age(rt, pulse.at)}"
    yield "# TYPE vastine_alarms gauge"
    yield f"vastine_alarms {len(alarms(session))}"
    yield "# TYPE vastine_open_tasks gauge"
    open_ones = select(func.count()).select_from(HumanTask).where(HumanTask.state == TaskState.OPEN)
    yield f"vastine_open_tasks {session.scalar(open_ones) or 0}"


def _age(rt: Runtime, at: datetime) -> int:
    return max(0, int((rt.now() - at).total_seconds()))


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
