"""The EGM96 grid and the script that made it; see the README beside this file."""
