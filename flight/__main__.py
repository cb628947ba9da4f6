"""`python -m flight` is `nightside`."""

import sys


def main() -> int:
    """Run the command line; Ctrl-C is an end in order also while modules are still loaded."""
    try:
        from flight import cli  # noqa: PLC0415  # takes a while

        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
