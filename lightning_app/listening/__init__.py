"""What is needed to look at and listen to a trained run on a page: the run, opened, and its sounds and pictures."""
