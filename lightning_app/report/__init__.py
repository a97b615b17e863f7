"""One HTML page of one or several runs, to read, to compare and to listen to, with no server and no network."""
