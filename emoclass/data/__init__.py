"""Where faces come from. One door: `load_faces`."""
