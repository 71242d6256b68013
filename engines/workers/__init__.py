"""Scripts that run inside a worker's own virtual environment: the standard library and the engine's packages only,
nothing of polydub. Their names must not be those of the packages that they import."""
