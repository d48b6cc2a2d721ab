"""The beat table: what is looked at how often. Two beats, a late beat or none change only when things happen."""

from typing import Any

from celery.schedules import crontab

from workflows.messages import LOOK, POLL, RECHECK, REMIND, SEND, SWEEP, task_name

BEAT: dict[str, dict[str, Any]] = {
    "sweep": {"task": task_name(SWEEP), "schedule": 30.0, "options": {"expires": 60}},
    "send": {"task": task_name(SEND), "schedule": 60.0, "options": {"expires": 120}},
    "poll": {"task": task_name(POLL), "schedule": 30.0, "options": {"expires": 60}},
    "remind": {"task": task_name(REMIND), "schedule": 900.0, "options": {"expires": 900}},
    "look": {"task": task_name(LOOK), "schedule": 600.0, "options": {"expires": 600}},
    "recheck": {"task": task_name(RECHECK), "schedule": crontab(hour="1", minute="17")},
}
"""`expires` keeps a broker that was away from being flooded; the sweep that then runs sees everything."""
