"""How a controller is reached."""

from workflows.register.model import Controller


def own_contacts(controller: Controller) -> tuple[str, ...]:
    """The controller's own addresses and numbers: they may stand in texts that are given out."""
    people = (controller, controller.dpo, controller.signer)
    return tuple(value for one in people for value in (one.email, one.phone) if value)
