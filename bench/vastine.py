"""`vastine`, whatever the folder it is started in."""

from workers.cli import main

if __name__ == "__main__":
    main()
