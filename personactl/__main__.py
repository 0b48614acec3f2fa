"""`python -m personactl`."""

from personactl.cli import main

if __name__ == "__main__":
    main()
