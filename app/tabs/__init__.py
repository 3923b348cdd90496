"""One module a tab: handlers decide, `build` lays out and wires."""
