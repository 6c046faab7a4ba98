"""`python -m acceltui` is `accel`."""

from acceltui.cli import main

if __name__ == "__main__":
    main()
