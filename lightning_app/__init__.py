"""What runs an experiment: the command line, and the callbacks that hold schedule, evaluation, media and files."""
