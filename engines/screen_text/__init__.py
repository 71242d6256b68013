"""Screen text: what is written in a picture."""
