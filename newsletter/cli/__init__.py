"""The only place that prints and exits: the `newsletter` command.

Owns: arguments, tables, progress bars, --json, exit codes (0 done, 2 input to mend, 1 failure).
Refuses: rules; every command calls a door of a room below inside one transaction.
Doors: main (the program); one file for each group of commands.
"""
