"""The commands of vreason-track, one file each."""
