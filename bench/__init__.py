"""Programs that measure Vastine against physical limits: raw Celery tasks, raw SQL, the driver's own reading."""
