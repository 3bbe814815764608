"""`python -m newsletter` is the command `newsletter`."""

from newsletter.cli.main import run

if __name__ == "__main__":
    run()
