"""One module a command, each with `add_parser(commands)` and `run(arguments) -> exit status`."""
