"""`vastine demo`: everything on invented people, from the form to the certificate; nothing leaves the machine."""

from pathlib import Path

import click

from workers.host import settings


@click.command()
@click.option("--once", is_flag=True, help="Play the stories, leave the files, stop.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--people", default=2000, show_default=True, type=click.IntRange(0, 200_000), help="Size of the crowd.")
@click.option("--port", default=8080, show_default=True, help="Of the portal; any free one if it is taken.")
@click.option("--console-port", default=8081, show_default=True, help="Of the console; any free one if it is taken.")
@click.option("--fresh", is_flag=True, help="Forget what an earlier demo left in the folder.")
def demo(*, once: bool, folder: Path, people: int, port: int, console_port: int, fresh: bool) -> int:
    """Build an invented electricity company and play its stories to their ends.

    \b
    vastine demo           then portal and console keep running
    vastine demo --once    then stop: packages and letters are in var/demo/files; exit 1 if a story ended otherwise
    """
    from workers.demo.place import DemoPlace  # noqa: PLC0415
    from workers.demo.run import Wish, run  # noqa: PLC0415

    if fresh:
        DemoPlace(folder).clear()
    return run(
        Wish(
            folder=folder,
            register=settings().register,
            once=once,
            people=people,
            portal_port=port,
            console_port=console_port,
        )
    )
